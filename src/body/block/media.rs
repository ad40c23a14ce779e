//! Blocks that are more than running text: pictures, embeds, code, references to other articles.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::embed::EmbedProvider;
use crate::body::href::Href;
use crate::body::id::BlockId;
use crate::body::inline::Inline;
use crate::body::reference::{ArticleRef, MediaRef};

/// The most pictures of one gallery.
pub(in crate::body) const MAX_IMAGES: usize = 500;

/// The longest alternative text, in characters.
pub(in crate::body) const MAX_ALT_CHARS: usize = 2000;

/// The longest credit, and the longest title of an embed, in characters.
pub(in crate::body) const MAX_LINE_CHARS: usize = 500;

/// The largest width and height, in pixels.
pub(in crate::body) const MAX_PIXELS: u32 = 100_000;

/// The longest text of a code or preformatted block, in characters: as long as a body's HTML may be.
pub(in crate::body) const MAX_CODE_CHARS: usize = 1_048_576;

macro_rules! image {
    ($(#[$meta:meta])* $name:ident) => {
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        $(#[$meta])*
        pub struct $name {
            /// The block's id, unique in the body. Made from the address when left out; always present in answers.
            #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "b7q2m1x0c9a")]
            pub id: BlockId,
            /// The picture's address: an absolute `http` or `https` URL or a path on the same site. May be null or left out
            /// if `media` is given.
            #[schema(value_type = Option<String>, max_length = 4096, example = "https://media.example.org/harbor.jpg")]
            #[serde(default)]
            pub url: Option<Href>,
            /// The id of the picture in the media library. May be null or left out if `url` is given.
            #[schema(value_type = Option<String>, format = "uuid", example = json!(null))]
            #[serde(default)]
            pub media: Option<MediaRef>,
            /// What the picture shows, for those who cannot see it: one line of at most 2,000 characters. Empty for a
            /// picture that says nothing; null when nobody has described it yet.
            #[schema(max_length = 2000, example = "Two cranes above an empty quay")]
            #[serde(default)]
            pub alt: Option<String>,
            /// The caption, or null.
            #[schema(max_items = 100000)]
            #[serde(default)]
            pub caption: Option<Vec<Inline>>,
            /// Who made the picture, at most 500 characters on one line, or null.
            #[schema(max_length = 500, example = "Mina Rad")]
            #[serde(default)]
            pub credit: Option<String>,
            /// Where the picture leads, as in a link's `href`, or null.
            #[schema(value_type = Option<String>, max_length = 4096, example = json!(null))]
            #[serde(default)]
            pub link: Option<Href>,
            /// The picture's width in pixels, or null.
            #[schema(minimum = 1, maximum = 100000, example = 1600)]
            #[serde(default)]
            pub width: Option<u32>,
            /// The picture's height in pixels, or null.
            #[schema(minimum = 1, maximum = 100000, example = 900)]
            #[serde(default)]
            pub height: Option<u32>,
        }

        impl $name {
            /// Returns the picture, wherever it stands.
            pub fn view(&self) -> ImageView<'_> {
                ImageView {
                    id: &self.id,
                    url: self.url.as_ref(),
                    media: self.media,
                    alt: self.alt.as_deref(),
                    caption: self.caption.as_deref(),
                    credit: self.credit.as_deref(),
                    link: self.link.as_ref(),
                    width: self.width,
                    height: self.height,
                }
            }
        }
    };
}

image! {
    /// A picture. At least one of `url` and `media` is given.
    #[schema(example = json!({
        "type": "image", "id": "quay", "url": "https://media.example.org/harbor.jpg", "media": null,
        "alt": "Two cranes above an empty quay",
        "caption": [{"type": "text", "text": "The quay on Monday.", "marks": []}],
        "credit": "Mina Rad", "link": null, "width": 1600, "height": 900
    }))]
    ImageBlock
}

image! {
    /// A picture of a gallery. At least one of `url` and `media` is given.
    #[schema(example = json!({
        "id": "quay", "url": "https://media.example.org/harbor.jpg", "media": null, "alt": "", "caption": null,
        "credit": "Mina Rad", "link": null, "width": 1600, "height": 900
    }))]
    GalleryImage
}

impl From<ImageBlock> for GalleryImage {
    fn from(image: ImageBlock) -> Self {
        let ImageBlock { id, url, media, alt, caption, credit, link, width, height } = image;
        Self { id, url, media, alt, caption, credit, link, width, height }
    }
}

impl From<GalleryImage> for ImageBlock {
    fn from(image: GalleryImage) -> Self {
        let GalleryImage { id, url, media, alt, caption, credit, link, width, height } = image;
        Self { id, url, media, alt, caption, credit, link, width, height }
    }
}

/// A picture of a body, alone or in a gallery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageView<'a> {
    /// The block's id.
    pub id: &'a BlockId,
    /// The picture's address.
    pub url: Option<&'a Href>,
    /// Its id in the media library.
    pub media: Option<MediaRef>,
    /// What it shows: empty if it says nothing, absent if nobody has described it.
    pub alt: Option<&'a str>,
    /// The caption.
    pub caption: Option<&'a [Inline]>,
    /// Who made it.
    pub credit: Option<&'a str>,
    /// Where it leads.
    pub link: Option<&'a Href>,
    /// Its width in pixels.
    pub width: Option<u32>,
    /// Its height in pixels.
    pub height: Option<u32>,
}

/// Several pictures that belong together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "gallery", "id": "harbor",
    "images": [{
        "id": "quay", "url": "https://media.example.org/harbor.jpg", "media": null, "alt": "", "caption": null,
        "credit": "Mina Rad", "link": null, "width": null, "height": null
    }],
    "caption": null
}))]
pub struct GalleryBlock {
    /// The block's id, unique in the body. Made from the pictures when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "harbor")]
    pub id: BlockId,
    /// The pictures in order, 1 to 500.
    #[schema(min_items = 1, max_items = 500)]
    pub images: Vec<GalleryImage>,
    /// The caption of all together, or null.
    #[schema(max_items = 100000)]
    #[serde(default)]
    pub caption: Option<Vec<Inline>>,
}

/// Something from another site: a video, a post, a chart. Only its address is kept, never foreign HTML. In HTML, videos
/// and the like of known providers are shown in a frame, everything else as a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "embed", "id": "speech", "url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ", "provider": "youtube",
    "title": "The speech in full", "caption": null
}))]
pub struct EmbedBlock {
    /// The block's id, unique in the body. Made from the address when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "speech")]
    pub id: BlockId,
    /// The address of the page that shows it, an absolute `http` or `https` URL. The addresses that known providers have
    /// for the same thing are brought into one form.
    #[schema(value_type = String, max_length = 4096, example = "https://www.youtube.com/watch?v=dQw4w9WgXcQ")]
    pub url: Href,
    /// Who provides it. Follows from `url` and may be left out; what does not agree with `url` is refused.
    #[schema(required = false)]
    pub provider: EmbedProvider,
    /// What it is called, at most 500 characters on one line, or null.
    #[schema(max_length = 500, example = "The speech in full")]
    #[serde(default)]
    pub title: Option<String>,
    /// The caption, or null.
    #[schema(max_items = 100000)]
    #[serde(default)]
    pub caption: Option<Vec<Inline>>,
}

/// Computer code. White space counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"type": "code", "id": "query", "language": "sql", "text": "SELECT 1;\nSELECT 2;"}))]
pub struct CodeBlock {
    /// The block's id, unique in the body. Made from the text when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "query")]
    pub id: BlockId,
    /// The name of the programming language in lower case, or null.
    #[schema(pattern = "^[a-z0-9_+.#-]{1,40}$", example = "sql")]
    #[serde(default)]
    pub language: Option<String>,
    /// The text, at most 1,048,576 characters. Empty lines at the start and white space at the end are dropped.
    #[schema(max_length = 1048576, example = "SELECT 1;\nSELECT 2;")]
    pub text: String,
}

/// Text whose white space counts, such as a poem or a table drawn with characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"type": "preformatted", "id": "poem", "text": "so much depends\n  upon"}))]
pub struct PreformattedBlock {
    /// The block's id, unique in the body. Made from the text when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "poem")]
    pub id: BlockId,
    /// The text, at most 1,048,576 characters. Empty lines at the start and white space at the end are dropped.
    #[schema(max_length = 1048576, example = "so much depends\n  upon")]
    pub text: String,
}

/// A line between two parts of the text: a change of topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"type": "divider", "id": "b5n0d1v1d3r"}))]
pub struct DividerBlock {
    /// The block's id, unique in the body. Made from the block before it when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "b5n0d1v1d3r")]
    pub id: BlockId,
}

/// Another article of this site that readers may like to read here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "related_article", "id": "background-piece", "article": "0190a5a8-3c1e-7b2a-9d55-0a4c7f1e2b3d"
}))]
pub struct RelatedArticleBlock {
    /// The block's id, unique in the body. Made from the article's id when left out; always present in answers.
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z0-9_-]{1,64}$", example = "background-piece")]
    pub id: BlockId,
    /// The article's id. Nothing is shown to readers while the article is not published.
    #[schema(value_type = String, format = "uuid", example = "0190a5a8-3c1e-7b2a-9d55-0a4c7f1e2b3d")]
    pub article: ArticleRef,
}
