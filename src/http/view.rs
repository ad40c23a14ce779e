//! Which of the two views of a resource a request asks for.

use deserr::Deserr;
use utoipa::{IntoParams, ToSchema};

use super::{call::Call, query::Flag};
use crate::{
    auth::{identity::Caller, rights::Operation},
    db::types::text_enum,
    error::{Code, Error, Result},
    input::Faults,
};

text_enum! {
    /// `live` is what readers see; `working` is the newest revision, for people with a token.
    pub enum View {
        /// What readers see.
        Live = "live",
        /// The newest revision.
        Working = "working",
    }
}

#[expect(clippy::derivable_impls, reason = "the derive cannot be put on the macro's enumeration")]
impl Default for View {
    fn default() -> Self {
        Self::Live
    }
}

#[derive(Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
struct ViewParams {
    #[deserr(default)]
    view: View,
}

impl View {
    /// Reads the view from a query that may have nothing else, and checks the right to it.
    ///
    /// # Errors
    /// Those of the query, and of the right to the working view.
    pub fn of(call: &Call, caller: Option<&Caller>, operation: Operation) -> Result<Self> {
        let params: ViewParams = call.query()?;
        params.view.require(caller, operation)?;
        Ok(params.view)
    }

    /// Checks the right to the working view, if that is the one.
    ///
    /// # Errors
    /// `unauthenticated` or `forbidden`.
    pub fn require(self, caller: Option<&Caller>, operation: Operation) -> Result<()> {
        match (self, caller) {
            (Self::Live, _) => Ok(()),
            (Self::Working, Some(caller)) => caller.may_ever(operation),
            (Self::Working, None) => Err(Caller::missing()),
        }
    }

    /// Chooses what is shown, by the view and whether the trash is asked for.
    ///
    /// # Errors
    /// `invalid_parameter` when the trash is asked for without the working view.
    pub fn shown<T>(self, trashed: Option<Flag>, live: T, working: T, trash: T) -> Result<T> {
        match (self, trashed) {
            (Self::Live, None | Some(Flag(false))) => Ok(live),
            (Self::Working, None | Some(Flag(false))) => Ok(working),
            (Self::Working, Some(Flag(true))) => Ok(trash),
            (Self::Live, Some(Flag(true))) => {
                let fault = crate::error::Fault::new("/trashed", "not_allowed", "the trash is only in view=working");
                Err(Error::faults(Code::InvalidParameter, vec![fault]))
            }
        }
    }
}

impl IntoParams for View {
    fn into_params(
        _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
    ) -> Vec<utoipa::openapi::path::Parameter> {
        use utoipa::openapi::{
            Required,
            path::{ParameterBuilder, ParameterIn},
        };
        vec![
            ParameterBuilder::new()
                .name("view")
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(
                    "`live` (the default) is what readers see; `working` is the newest revision and needs a token.",
                ))
                .schema(Some(utoipa::openapi::Ref::from_schema_name("View")))
                .build(),
        ]
    }
}

/// The body of a verb that takes no input: an empty object.
#[derive(Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct NoInput {}
