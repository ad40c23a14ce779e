//! What each HTML element means for the blocks.

use crate::body::inline::Mark;

/// What an element is to the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Its text stands in paragraphs of its own.
    Block,
    /// A paragraph, which other blocks end without an end tag.
    Paragraph,
    /// A heading; `h1` is level 2.
    Heading(u8),
    /// A list.
    List { ordered: bool },
    /// A list of terms and descriptions.
    DefinitionList,
    /// An item of a list.
    Item,
    /// A term or a description, which the next one ends.
    Definition,
    /// A quotation.
    Quote,
    /// `footer`, in a quotation its source.
    Footer,
    /// Groups a picture or a quotation with its caption.
    Figure,
    /// A figure's caption, in a quotation or after it its source.
    Caption,
    /// A table.
    Table,
    /// A group of rows.
    TablePart,
    /// The rows of a table's head.
    TableHead,
    /// A table's caption.
    TableCaption,
    /// A row.
    Row,
    /// A cell.
    Cell,
    /// Text that is shown on demand.
    Details,
    /// Its summary.
    Summary,
    /// Something beside the text: an editors' note, a related article.
    Aside,
    /// Small print, in a figure's caption its credit.
    Small,
    /// A picture.
    Image,
    /// A page inside the page.
    Frame,
    /// Something that plug-ins show.
    Plugin,
    /// The address of an embed.
    Oembed,
    /// Text whose line ends count.
    Preformatted,
    /// A link.
    Link,
    /// Marked text that goes on after its block has ended, as browsers have it.
    Formatting(Option<Mark>),
    /// Marked text that ends with its block.
    Span(Option<Mark>),
    /// A title of a work, or who is quoted.
    Cite,
    /// A quotation within a sentence, to be set in quotation marks.
    Quotation,
    /// A line break.
    LineBreak,
    /// A change of topic.
    Rule,
    /// Dropped with its content.
    Dropped,
    /// Dropped; has no content.
    DroppedVoid,
    /// Says nothing to readers and has no content, or its content is the whole page.
    Ignored,
}

/// Returns the role of the element of that name.
pub(super) fn role(name: &str) -> Role {
    match name {
        "p" => Role::Paragraph,
        "h1" | "h2" => Role::Heading(2),
        "h3" => Role::Heading(3),
        "h4" => Role::Heading(4),
        "h5" => Role::Heading(5),
        "h6" => Role::Heading(6),
        "ul" | "menu" | "dir" => Role::List { ordered: false },
        "ol" => Role::List { ordered: true },
        "dl" => Role::DefinitionList,
        "li" => Role::Item,
        "dt" | "dd" => Role::Definition,
        "blockquote" => Role::Quote,
        "footer" => Role::Footer,
        "figure" => Role::Figure,
        "figcaption" => Role::Caption,
        "table" => Role::Table,
        "caption" => Role::TableCaption,
        "thead" => Role::TableHead,
        "tbody" | "tfoot" | "colgroup" => Role::TablePart,
        "details" => Role::Details,
        "summary" => Role::Summary,
        "aside" => Role::Aside,
        "small" => Role::Small,
        "img" | "image" => Role::Image,
        "iframe" => Role::Frame,
        "embed" => Role::Plugin,
        "oembed" => Role::Oembed,
        "tr" => Role::Row,
        "td" | "th" => Role::Cell,
        "pre" | "listing" | "xmp" | "plaintext" => Role::Preformatted,
        "a" => Role::Link,
        "br" => Role::LineBreak,
        "hr" => Role::Rule,
        "cite" => Role::Cite,
        "q" => Role::Quotation,
        "address" | "article" | "center" | "dialog" | "div" | "fieldset" | "form" | "header" | "hgroup" | "legend"
        | "main" | "nav" | "search" | "section" => Role::Block,
        "html" | "head" | "body" | "base" | "meta" | "link" | "col" | "param" | "source" | "track" | "wbr" => {
            Role::Ignored
        }
        _ => marked(name),
    }
}

fn marked(name: &str) -> Role {
    match name {
        "b" | "strong" => Role::Formatting(Some(Mark::Bold)),
        "i" | "em" => Role::Formatting(Some(Mark::Italic)),
        "u" => Role::Formatting(Some(Mark::Underline)),
        "s" | "strike" => Role::Formatting(Some(Mark::Strike)),
        "code" | "tt" => Role::Formatting(Some(Mark::Code)),
        "big" | "font" | "nobr" => Role::Formatting(None),
        "var" | "dfn" => Role::Span(Some(Mark::Italic)),
        "ins" => Role::Span(Some(Mark::Underline)),
        "del" => Role::Span(Some(Mark::Strike)),
        "kbd" | "samp" => Role::Span(Some(Mark::Code)),
        "sub" => Role::Span(Some(Mark::Sub)),
        "sup" => Role::Span(Some(Mark::Sup)),
        "annotation" | "annotation-xml" | "applet" | "audio" | "button" | "canvas" | "datalist" | "meter"
        | "noembed" | "noframes" | "object" | "progress" | "script" | "select" | "style" | "svg" | "template"
        | "textarea" | "title" | "video" | "xml" => Role::Dropped,
        "area" | "bgsound" | "frame" | "input" | "keygen" => Role::DroppedVoid,
        _ => Role::Span(None),
    }
}

/// How the tokenizer is to read an element's content, if not as HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::body) enum Content {
    /// Text up to the end tag.
    Raw(RawKind),
    /// Text up to the end of the input.
    ToTheEnd,
}

/// What ends an element's text, and what counts in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::body) enum RawKind {
    /// References count.
    Rcdata,
    /// Nothing counts.
    Rawtext,
    /// Nothing counts, but comments can hide an end tag.
    Script,
}

/// Returns how the content of the element of that name is read.
pub(in crate::body) fn content(name: &str) -> Option<Content> {
    match name {
        "script" => Some(Content::Raw(RawKind::Script)),
        "title" | "textarea" => Some(Content::Raw(RawKind::Rcdata)),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => Some(Content::Raw(RawKind::Rawtext)),
        "plaintext" => Some(Content::ToTheEnd),
        _ => None,
    }
}

impl Role {
    /// Returns whether the element is a block to which end tags of inline elements do not reach through.
    pub(super) fn is_block(self) -> bool {
        !matches!(self, Self::Link | Self::Formatting(_) | Self::Span(_) | Self::Cite | Self::Quotation | Self::Small)
    }

    /// Returns whether elements outside cannot be ended from inside this one.
    pub(super) fn is_scope(self) -> bool {
        matches!(self, Self::Table | Self::Cell)
    }

    /// Returns whether items outside cannot be ended from inside this one.
    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::List { .. } | Self::DefinitionList)
    }

    /// Returns whether the element is closed by the start of a sibling or parent inside the same table.
    pub(super) fn is_in_table(self) -> bool {
        matches!(self, Self::TablePart | Self::TableHead | Self::TableCaption | Self::Row | Self::Cell)
    }

    /// Returns whether the element without attributes says nothing of its text.
    pub(super) fn is_silent(self) -> bool {
        !matches!(self, Self::Formatting(_) | Self::Span(Some(_)) | Self::Cite)
    }

    /// Returns the mark that the element gives to its text.
    pub(super) fn mark(self) -> Option<Mark> {
        match self {
            Self::Formatting(mark) | Self::Span(mark) => mark,
            _ => None,
        }
    }
}
