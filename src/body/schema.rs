//! How the unions appear in OpenAPI: `oneOf` of references with a discriminator.
//!
//! utoipa's derive writes internally tagged enums as anonymous `allOf`s and no discriminator, which code generators turn into
//! types without names. Here each variant is a component of its own that has the `type` property, a string with one
//! allowed value. The components are registered by the unions, so a variant's type must not be used outside its union.

use utoipa::openapi::schema::{Discriminator, Object, OneOfBuilder, Schema, Type};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::body::block::{
    Block, CodeBlock, DetailsBlock, DetailsPart, DividerBlock, EmbedBlock, FootnotesBlock, GalleryBlock, HeadingBlock,
    ImageBlock, ListBlock, NoteBlock, NotePart, ParagraphBlock, PreformattedBlock, PullQuoteBlock, QuoteBlock,
    QuotePart, RelatedArticleBlock, TableBlock,
};
use crate::body::inline::{FootnoteRefInline, Inline, LineBreakInline, LinkInline, LinkPart, TextInline};

type Components = Vec<(String, RefOr<Schema>)>;

macro_rules! union_schema {
    ($(#[doc = $description:literal] $union:ident { $($tag:literal: $variant:ident),+ $(,)? })+) => {$(
        impl PartialSchema for $union {
            fn schema() -> RefOr<Schema> {
                union($description.trim(), &[$(($tag, &$variant::name())),+])
            }
        }

        impl ToSchema for $union {
            fn schemas(schemas: &mut Components) {
                $(
                    schemas.push(($variant::name().into_owned(), tagged($tag, $variant::schema())));
                    $variant::schemas(schemas);
                )+
            }
        }
    )+};
}

union_schema! {
    /// One block of a body; `type` says which.
    Block {
        "paragraph": ParagraphBlock, "heading": HeadingBlock, "list": ListBlock, "quote": QuoteBlock,
        "pull_quote": PullQuoteBlock, "image": ImageBlock, "gallery": GalleryBlock, "embed": EmbedBlock,
        "table": TableBlock, "code": CodeBlock, "preformatted": PreformattedBlock, "divider": DividerBlock,
        "note": NoteBlock, "related_article": RelatedArticleBlock, "details": DetailsBlock, "footnotes": FootnotesBlock,
    }
    /// One block inside a quote; `type` says which.
    QuotePart { "paragraph": ParagraphBlock, "list": ListBlock }
    /// One block inside a note; `type` says which.
    NotePart { "paragraph": ParagraphBlock, "list": ListBlock }
    /// One block inside details; `type` says which.
    DetailsPart {
        "paragraph": ParagraphBlock, "heading": HeadingBlock, "list": ListBlock, "quote": QuoteBlock,
        "image": ImageBlock, "embed": EmbedBlock, "table": TableBlock, "code": CodeBlock,
        "preformatted": PreformattedBlock,
    }
    /// One piece of a block's content; `type` says which.
    Inline {
        "text": TextInline, "link": LinkInline, "line_break": LineBreakInline, "footnote_ref": FootnoteRefInline,
    }
    /// One piece of a link's content; `type` says which.
    LinkPart { "text": TextInline, "line_break": LineBreakInline }
}

fn union(description: &str, variants: &[(&str, &str)]) -> RefOr<Schema> {
    let component = |name: &str| Ref::from_schema_name(name);
    let mapping = variants.iter().map(|(tag, name)| ((*tag).to_owned(), component(name).ref_location));
    let discriminator = Discriminator::with_mapping("type", mapping);
    let union = variants
        .iter()
        .fold(OneOfBuilder::new(), |union, (_, name)| union.item(component(name)))
        .description(Some(description))
        .discriminator(Some(discriminator));
    RefOr::T(Schema::OneOf(union.build()))
}

/// Puts the `type` property before the others.
fn tagged(tag: &str, schema: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = schema else {
        return schema;
    };
    let properties = std::mem::take(&mut object.properties);
    let required = std::mem::take(&mut object.required);
    let constant: Object = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some([tag]))
        .description(Some(format!("Always `{tag}`.")))
        .build();
    object.properties.insert("type".to_owned(), RefOr::T(Schema::Object(constant)));
    object.properties.extend(properties);
    object.required.push("type".to_owned());
    object.required.extend(required);
    RefOr::T(Schema::Object(object))
}
