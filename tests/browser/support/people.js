// The people in the journeys, and how they sign in.
export const PASSWORD = "correct horse battery";

export async function signUp(visit, organization = "Acme Rockets", email = "ada@acme.test") {
  await visit.open("/signup", "sign-up");
  await visit.fill({ Organization: organization, "Email address": email, Password: PASSWORD });
  await visit.press("Create organization");
}

export async function logIn(visit, email = "ada@acme.test", password = PASSWORD) {
  await visit.open("/login", "log-in");
  await visit.fill({ "Email address": email, Password: password });
  await visit.press("Log in");
}
