//! Trimming what is shown of an article to the members that were asked for with `fields`.

use std::{collections::BTreeSet, sync::OnceLock};

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::PartialSchema;

use super::{
    params::unknown,
    view::{Article, WorkingArticle},
};
use crate::{
    error::{Error, Result},
    http::{query::Names, view::View},
};

/// The members that a representation can be trimmed to.
#[derive(Clone, Debug)]
pub struct Fields(Option<BTreeSet<String>>);

impl Fields {
    /// Reads the list of members for a view.
    ///
    /// # Errors
    /// `invalid_parameter` for a name that is not a member of the view.
    pub fn of(names: Option<&Names>, view: View) -> Result<Self> {
        let Some(names) = names else { return Ok(Self(None)) };
        let known = match view {
            View::Live => {
                static KNOWN: OnceLock<Vec<String>> = OnceLock::new();
                KNOWN.get_or_init(|| members_of(Article::schema()))
            }
            View::Working => {
                static KNOWN: OnceLock<Vec<String>> = OnceLock::new();
                KNOWN.get_or_init(|| members_of(WorkingArticle::schema()))
            }
        };
        if let Some(name) = names.0.iter().find(|name| !known.contains(name)) {
            return Err(unknown("/fields", name, &known.join(", ")));
        }
        Ok(Self(Some(names.0.iter().cloned().collect())))
    }

    /// Returns a representation with only the members that were asked for.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn trim(&self, value: &impl Serialize) -> Result<Value> {
        let mut value = serde_json::to_value(value).map_err(Error::internal)?;
        if let (Some(fields), Value::Object(members)) = (&self.0, &mut value) {
            let kept: Map<String, Value> =
                std::mem::take(members).into_iter().filter(|(name, _)| fields.contains(name)).collect();
            *members = kept;
        }
        Ok(value)
    }

    /// Returns whether everything is answered.
    pub fn is_all(&self) -> bool {
        self.0.is_none()
    }
}

/// The members of a view, but for the one that names the view: a trimmed representation is of neither.
fn members_of(schema: utoipa::openapi::RefOr<utoipa::openapi::Schema>) -> Vec<String> {
    match schema {
        utoipa::openapi::RefOr::T(utoipa::openapi::Schema::Object(object)) => {
            object.properties.keys().filter(|name| *name != "view").cloned().collect()
        }
        _ => Vec::new(),
    }
}
