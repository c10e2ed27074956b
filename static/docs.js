// Copy buttons beside the samples, and links to another language that keep the place. Without this script, samples are selected by hand.

const status = Object.assign(document.createElement("p"), { className: "said", role: "status" });
document.body.append(status);

for (const pre of navigator.clipboard ? document.querySelectorAll("pre") : []) {
  const sample = Object.assign(document.createElement("div"), { className: "sample" });
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy" });
  const heading = pre.previousElementSibling;
  button.setAttribute("aria-label", /^H[34]$/.test(heading?.tagName) ? `Copy: ${heading.textContent}` : "Copy the code");
  pre.replaceWith(sample);
  sample.append(button, pre);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(pre.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(pre);
      button.textContent = "Selected";
    }
    status.textContent = button.textContent;
    setTimeout(() => { button.textContent = "Copy"; }, 2_000);
  });
}

for (const link of document.querySelectorAll(".languages a")) {
  link.addEventListener("click", () => { link.hash = location.hash; });
}
