//! Who may do what: one table, role × operation × ownership, that the handlers ask, the OpenAPI file shows and a test walks.

use crate::db::types::text_enum;

text_enum! {
    /// What a user account may do: `author` works on own articles, `editor` on all content, `admin` on users as well.
    pub enum Role {
        /// Own articles: create, edit, submit for review.
        Author = "author",
        /// All content: edit, publish, withdraw; sections, tags, staff.
        Editor = "editor",
        /// Everything, and user accounts.
        Admin = "admin",
    }
}

/// How far a right goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// Not at all.
    No,
    /// On what the caller created.
    Own,
    /// On everything.
    All,
}

macro_rules! operations {
    ($($name:ident $id:literal $note:literal $author:ident $editor:ident $admin:ident;)*) => {
        /// Something that takes a right.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation { $(#[doc = concat!("The right to `", $id, "`.")] $name,)* }

        impl Operation {
            /// All operations, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns the `operationId` in the OpenAPI file.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Returns the circumstance in which the right is asked for; empty for always.
            pub const fn circumstance(self) -> &'static str {
                match self { $(Self::$name => $note,)* }
            }

            /// Returns how far a role's right goes.
            pub const fn allowance(self, role: Role) -> Allowance {
                match (self, role) {
                    $((Self::$name, Role::Author) => Allowance::$author,
                    (Self::$name, Role::Editor) => Allowance::$editor,
                    (Self::$name, Role::Admin) => Allowance::$admin,)*
                }
            }
        }
    };
}

operations! {
    //                     operationId          when            author editor admin
    ListWorkingArticles    "listArticles"       "view=working"  Own  All  All;
    ReadWorkingArticle     "getArticle"         "view=working"  Own  All  All;
    ReadArticleHistory     "getArticle"         "as_of=…"       No   All  All;
    CreateArticle          "createArticle"      ""              All  All  All;
    UpdateArticle          "updateArticle"      ""              Own  All  All;
    TrashArticle           "deleteArticle"      ""              Own  All  All;
    RestoreArticle         "restoreArticle"     ""              Own  All  All;
    SubmitArticle          "submitArticle"      ""              Own  All  All;
    ReviveArticle          "restoreArticle"     "what was killed" No No  All;
    ReturnArticle          "returnArticle"      ""              No   All  All;
    ApproveArticle         "approveArticle"     ""              No   All  All;
    PublishArticle         "publishArticle"     ""              No   All  All;
    ScheduleArticle        "scheduleArticle"    ""              No   All  All;
    UnscheduleArticle      "unscheduleArticle"  ""              No   All  All;
    WithdrawArticle        "withdrawArticle"    ""              No   All  All;
    CorrectArticle         "correctArticle"     ""              No   All  All;
    FixArticle             "fixArticle"         ""              No   All  All;
    KillArticle            "killArticle"        ""              No   No   All;
    CheckArticle           "preflightArticle"   ""              Own  All  All;
    ListRevisions          "listRevisions"      ""              Own  All  All;
    ReadRevision           "getRevision"        ""              Own  All  All;
    DiffRevision           "diffRevision"       ""              Own  All  All;
    RestoreRevision        "restoreRevision"    ""              Own  All  All;
    ListPreviews           "listPreviews"       ""              Own  All  All;
    CreatePreview          "createPreview"      ""              Own  All  All;
    DeletePreview          "deletePreview"      ""              Own  All  All;
    ReadLease              "getLease"           ""              Own  All  All;
    RenewLease             "renewLease"         ""              Own  All  All;
    DeleteLease            "deleteLease"        ""              Own  All  All;
    CountArticles          "countArticles"      ""              Own  All  All;
    ListWorkingSections    "listSections"       "view=working"  All  All  All;
    ReadWorkingSection     "getSection"         "view=working"  All  All  All;
    CreateSection          "createSection"      ""              No   All  All;
    UpdateSection          "updateSection"      ""              No   All  All;
    TrashSection           "deleteSection"      ""              No   All  All;
    RestoreSection         "restoreSection"     ""              No   All  All;
    ListWorkingStaff       "listStaff"          "view=working"  All  All  All;
    ReadWorkingStaff       "getStaff"           "view=working"  All  All  All;
    CreateStaff            "createStaff"        ""              No   All  All;
    UpdateStaff            "updateStaff"        ""              No   All  All;
    TrashStaff             "deleteStaff"        ""              No   All  All;
    RestoreStaff           "restoreStaff"       ""              No   All  All;
    ListWorkingTags        "listTags"           "view=working"  All  All  All;
    ReadWorkingTag         "getTag"             "view=working"  All  All  All;
    CreateTag              "createTag"          ""              No   All  All;
    UpdateTag              "updateTag"          ""              No   All  All;
    TrashTag               "deleteTag"          ""              No   All  All;
    RestoreTag             "restoreTag"         ""              No   All  All;
    MergeTag               "mergeTag"           ""              No   All  All;
    ListUsers              "listUsers"          ""              No   No   All;
    ReadUser               "getUser"            ""              No   No   All;
    CreateUser             "createUser"         ""              No   No   All;
    UpdateUser             "updateUser"         ""              No   No   All;
    TrashUser              "deleteUser"         ""              No   No   All;
    RestoreUser            "restoreUser"        ""              No   No   All;
    StartPasswordReset     "startPasswordReset" ""              No   No   All;
    ListApiKeys            "listApiKeys"        ""              No   No   All;
    ReadApiKey             "getApiKey"          ""              No   No   All;
    CreateApiKey           "createApiKey"       ""              No   No   All;
    UpdateApiKey           "updateApiKey"       ""              No   No   All;
    RevokeApiKey           "deleteApiKey"       ""              No   No   All;
    RotateApiKey           "rotateApiKey"       ""              No   No   All;
    ReadApiKeyUsage        "getApiKeyUsage"     ""              No   No   All;
    ReadPropagation        "getPropagation"     ""              No   All  All;
    ListAudit              "listAudit"          ""              No   No   All;
    ReadMetrics            "getMetrics"         ""              No   No   All;
    ListWebhooks           "listWebhooks"       ""              No   Own  All;
    ReadWebhook            "getWebhook"         ""              No   Own  All;
    CreateWebhook          "createWebhook"      ""              No   All  All;
    UpdateWebhook          "updateWebhook"      ""              No   Own  All;
    DeleteWebhook          "deleteWebhook"      ""              No   Own  All;
    TestWebhook            "testWebhook"        ""              No   Own  All;
    RotateWebhookSecret    "rotateWebhookSecret" ""             No   Own  All;
    ReplayWebhook          "replayWebhook"      ""              No   Own  All;
    ListWebhookDeliveries  "listWebhookDeliveries" ""           No   Own  All;
    ReplayWebhookDelivery  "replayWebhookDelivery" ""           No   Own  All;
    ReadOwnAccount         "getMe"              ""              All  All  All;
    ChangeOwnPassword      "changePassword"     ""              All  All  All;
    ListOwnSessions        "listSessions"       ""              All  All  All;
    EndOwnSessions         "deleteSessions"     ""              All  All  All;
    EndOwnSession          "deleteSession"      ""              All  All  All;
    Logout                 "logout"             ""              All  All  All;
}

/// What an operation is done to, where it is somebody's own.
fn things(operation_id: &str) -> &'static str {
    if operation_id.contains("Webhook") { "webhooks" } else { "articles" }
}

/// Describes the rights to an operation in a sentence for the OpenAPI file; `None` when it takes none.
pub fn described(operation_id: &str) -> Option<String> {
    let mut sentences = Vec::new();
    for operation in Operation::ALL.iter().filter(|operation| operation.id() == operation_id) {
        let roles: Vec<String> = Role::ALL
            .iter()
            .filter_map(|role| match operation.allowance(*role) {
                Allowance::No => None,
                Allowance::Own => Some(format!("`{role}` (own {})", things(operation_id))),
                Allowance::All => Some(format!("`{role}`")),
            })
            .collect();
        let when = match operation.circumstance() {
            "" => String::new(),
            note if note.contains('=') => format!(" with `{note}`"),
            note => format!(" for {note}"),
        };
        sentences.push(format!("Rights{when}: {}.", roles.join(", ")));
    }
    (!sentences.is_empty()).then(|| sentences.join(" "))
}
