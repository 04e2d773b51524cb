//! The tools: what each is called, what agents are told of it, and what it takes and gives.

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool as Definition, ToolAnnotations};
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::Answer;
use super::handler::Call;
use super::{documents, explain, info, search, verify};
use crate::error::Failure;

/// Something that an agent can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Search,
    Verify,
    Explain,
    Info,
    Upsert,
    Delete,
}

/// What a tool does to an index.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Nothing,
    /// What is there is replaced or removed; doing it twice changes nothing more.
    Overwrites,
}

impl Tool {
    /// In the order in which they are listed, which is always the same.
    pub(super) const ALL: [Tool; 6] =
        [Tool::Search, Tool::Verify, Tool::Explain, Tool::Info, Tool::Upsert, Tool::Delete];

    pub(super) fn named(name: &str) -> Option<Tool> {
        Tool::ALL.into_iter().find(|tool| tool.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Tool::Search => "vetted-search",
            Tool::Verify => "vetted-verify",
            Tool::Explain => "vetted-explain",
            Tool::Info => "vetted-info",
            Tool::Upsert => "vetted-upsert",
            Tool::Delete => "vetted-delete",
        }
    }

    pub(super) fn writes(self) -> bool {
        self.effect() != Effect::Nothing
    }

    fn effect(self) -> Effect {
        match self {
            Tool::Search | Tool::Verify | Tool::Explain | Tool::Info => Effect::Nothing,
            Tool::Upsert | Tool::Delete => Effect::Overwrites,
        }
    }

    /// What clients are told of it.
    pub(super) fn definition(self) -> Definition {
        match self {
            Tool::Search => self.define::<search::Arguments, search::Output>("Search and verify", search::DESCRIPTION),
            Tool::Verify => self.define::<verify::Arguments, verify::Output>("Verify texts", verify::DESCRIPTION),
            Tool::Explain => {
                self.define::<explain::Arguments, explain::Output>("Explain a verdict", explain::DESCRIPTION)
            }
            Tool::Info => self.define::<info::Arguments, info::Output>("Indexes and documents", info::DESCRIPTION),
            Tool::Upsert => {
                self.define::<documents::Upsert, documents::Upserted>("Add or replace documents", documents::UPSERT)
            }
            Tool::Delete => self.define::<documents::Delete, documents::Deleted>("Remove documents", documents::DELETE),
        }
    }

    /// All four hints are given: where one is absent, clients take the worst.
    fn define<Arguments: JsonSchema, Output: JsonSchema>(
        self,
        title: &'static str,
        description: &'static str,
    ) -> Definition {
        let changes = self.effect() == Effect::Overwrites;
        let annotations = ToolAnnotations::with_title(title)
            .read_only(!changes)
            .destructive(changes)
            .idempotent(true)
            .open_world(false);
        let given = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        Definition::new(self.name(), description, schema::<Arguments>(given))
            .with_title(title)
            .with_raw_output_schema(schema::<Output>(SchemaSettings::draft2020_12().for_serialize()))
            .with_annotations(annotations)
    }

    /// Does it.
    ///
    /// # Errors
    /// When the arguments are not what it takes, or it cannot be done.
    pub(super) async fn call(self, call: Call, arguments: JsonObject) -> Result<Answer, Failure> {
        match self {
            Tool::Search => search::call(&call, parse(arguments)?).await,
            Tool::Verify => verify::call(&call, parse(arguments)?).await,
            Tool::Explain => explain::call(&call, parse(arguments)?).await,
            Tool::Info => info::call(&call, parse(arguments)?).await,
            Tool::Upsert => documents::upsert(&call, parse(arguments)?).await,
            Tool::Delete => documents::delete(&call, parse(arguments)?).await,
        }
    }
}

fn parse<Arguments: DeserializeOwned>(arguments: JsonObject) -> Result<Arguments, Failure> {
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| Failure::invalid(format!("the arguments are not what this tool takes: {error}")))
}

/// The schema without names of our types and without formats that JSON Schema does not know (`uint32`), about which clients
/// complain.
fn schema<T: JsonSchema>(settings: SchemaSettings) -> Arc<JsonObject> {
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.remove("description");
    RecursiveTransform(|schema: &mut Schema| {
        schema.remove("format");
    })
    .transform(&mut schema);
    Arc::new(schema.as_object().cloned().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_tool_says_what_it_is_what_it_does_and_what_it_takes_and_gives() {
        for tool in Tool::ALL {
            let Definition { name, title, description, input_schema, output_schema, annotations, .. } =
                tool.definition();
            assert_eq!(Tool::named(&name), Some(tool));
            assert!(title.is_some() && description.is_some_and(|text| text.len() > 100), "{name}");
            let hints = annotations.unwrap();
            assert_eq!(hints.read_only_hint, Some(!tool.writes()), "{name}");
            assert_eq!(hints.destructive_hint, Some(tool.writes()), "{name}");
            assert_eq!((hints.idempotent_hint, hints.open_world_hint), (Some(true), Some(false)), "{name}");
            let output = output_schema.unwrap();
            assert_eq!((&input_schema["type"], &output["type"]), (&json!("object"), &json!("object")), "{name}");
            let told = |schema: &JsonObject| {
                let fields = schema["properties"].as_object().unwrap();
                fields.values().all(|field| field["description"].as_str().is_some_and(|text| !text.is_empty()))
            };
            assert!(told(&input_schema) && told(&output), "every field of {name} has a description");
            let schemas = json!([*input_schema, *output]).to_string();
            assert!(
                !schemas.contains("\"format\":\"") && !json!(*input_schema).to_string().contains("$ref"),
                "{schemas}"
            );
        }
    }

    #[test]
    fn descriptions_say_what_to_do_when_nothing_can_be_vouched_for() {
        for tool in [Tool::Search, Tool::Verify] {
            let description = tool.definition().description.unwrap();
            for word in ["accept", "reject", "abstain", "unverified", "other words"] {
                assert!(description.contains(word), "{tool:?}: {word}");
            }
        }
    }
}
