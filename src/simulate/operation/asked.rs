//! The fields of a request to an endpoint other than a chat: a JSON object, or a form with a recording.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::form_data;
use crate::simulate::refusal::Refusal;
use crate::simulate::request::unreadable;

/// The most elements of a list, as at OpenAI. Each has a result of its own.
const MOST_ELEMENTS: usize = 2_048;

/// The fields of a request.
#[derive(Debug)]
pub(super) struct Asked {
    model: String,
    fields: Map<String, Value>,
    /// The bytes of its recording.
    recording: Option<usize>,
}

impl Asked {
    /// Reads a JSON object. `deployment` is the model in the path, if there is one.
    ///
    /// # Errors
    /// 400 for another body, or one without a model.
    pub(super) fn of_json(body: &[u8], deployment: String) -> Result<Self, Refusal> {
        let fields = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
        Self::of(fields, None, deployment)
    }

    /// Reads a form. `deployment` is the model in the path, if there is one.
    ///
    /// # Errors
    /// 400 for another body, or one without a model.
    pub(super) fn of_form(content_type: &str, body: &[u8], deployment: String) -> Result<Self, Refusal> {
        let form = form_data::read(content_type, body).ok_or_else(|| {
            Refusal::bad_request(None, None, "The body must be a whole form of the type multipart/form-data.")
        })?;
        Self::of(form.texts, form.file, deployment)
    }

    fn of(fields: Map<String, Value>, recording: Option<usize>, deployment: String) -> Result<Self, Refusal> {
        let named = || fields.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
        let model = if deployment.is_empty() { named() } else { deployment };
        if model.is_empty() {
            return Err(Refusal::bad_request(Some("model"), None, "You must provide a model parameter."));
        }
        Ok(Self { model, fields, recording })
    }

    /// The model, as the caller named it.
    pub(super) fn model(&self) -> &str {
        &self.model
    }

    /// The bytes of its recording.
    ///
    /// # Errors
    /// 400 if there is none.
    pub(super) fn recording(&self) -> Result<usize, Refusal> {
        self.recording.ok_or_else(|| missing("file"))
    }

    /// A field that is not null.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// A field that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// Whether a field is true. Forms have only texts.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| *value == true || *value == "true")
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// 400 if it is not.
    pub(super) fn required(&self, name: &'static str) -> Result<&Value, Refusal> {
        self.get(name).ok_or_else(|| missing(name))
    }

    /// A number, if it is there.
    ///
    /// # Errors
    /// 400 if it is something else, or outside of `numbers`.
    pub(super) fn number(
        &self,
        name: &'static str,
        numbers: RangeInclusive<usize>,
    ) -> Result<Option<usize>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
        match number.filter(|number| numbers.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let (least, most) = (numbers.start(), numbers.end());
                let message = format!("'{name}' must be a number from {least} to {most}.");
                Err(Refusal::bad_request(Some(name), None, message))
            }
        }
    }

    /// What gets a result each: a text, the tokens of a text, or the elements of another list.
    ///
    /// # Errors
    /// 400 if there is none, or too many.
    pub(super) fn inputs(&self, name: &'static str) -> Result<Vec<&Value>, Refusal> {
        match self.required(name)? {
            text @ Value::String(_) => Ok(vec![text]),
            tokens @ Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_number) => {
                Ok(vec![tokens])
            }
            _ => self.elements(name),
        }
    }

    /// The elements of a list: texts, lists or objects.
    ///
    /// # Errors
    /// 400 if there is none, or too many.
    pub(super) fn elements(&self, name: &'static str) -> Result<Vec<&Value>, Refusal> {
        let list = self.required(name)?.as_array().map(Vec::as_slice).unwrap_or_default();
        let is_one = |element: &Value| element.is_string() || element.is_array() || element.is_object();
        if (1..=MOST_ELEMENTS).contains(&list.len()) && list.iter().all(is_one) {
            return Ok(list.iter().collect());
        }
        let message = format!("'{name}' must be a text, or a list of 1 to {MOST_ELEMENTS} of them.");
        Err(Refusal::bad_request(Some(name), None, message))
    }
}

fn missing(name: &'static str) -> Refusal {
    Refusal::bad_request(Some(name), None, format!("You must provide a {name} parameter."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn inputs(input: Value) -> Option<usize> {
        let body = json!({ "model": "m", "input": input }).to_string();
        let asked = Asked::of_json(body.as_bytes(), String::new()).expect("a request");
        asked.inputs("input").ok().map(|inputs| inputs.len())
    }

    #[test]
    fn a_text_and_its_tokens_are_one_input_and_a_list_is_many() {
        assert_eq!(inputs(json!("a")), Some(1));
        assert_eq!(inputs(json!([1, 2, 3])), Some(1));
        assert_eq!(inputs(json!(["a", "b"])), Some(2));
        assert_eq!(inputs(json!([[1], [2, 3]])), Some(2));
        assert_eq!(inputs(json!(vec!["a"; MOST_ELEMENTS])), Some(MOST_ELEMENTS));
        for wrong in [json!(null), json!([]), json!(7), json!([1, "a"]), json!(vec!["a"; MOST_ELEMENTS + 1])]
        {
            assert_eq!(inputs(wrong.clone()), None, "{wrong}");
        }
    }

    #[test]
    fn the_model_is_that_of_the_deployment_or_of_the_body() {
        let model = |body: &str, deployment: &str| {
            Asked::of_json(body.as_bytes(), deployment.to_owned()).map(|asked| asked.model().to_owned()).ok()
        };
        assert_eq!(model(r#"{"model":"m"}"#, "").as_deref(), Some("m"));
        assert_eq!(model(r#"{"model":"m"}"#, "d").as_deref(), Some("d"));
        assert_eq!(model("{}", "d").as_deref(), Some("d"));
        assert_eq!(model("{}", ""), None);
        assert_eq!(model("[]", "d"), None);
    }
}
