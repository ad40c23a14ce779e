//! Reading pictures, embeds, code and references to other articles.

use deserr::{DeserializeError, IntoValue, Value, ValueKind, ValuePointerRef};

use crate::body::block::{
    CodeBlock, DividerBlock, EmbedBlock, GalleryBlock, ImageBlock, MAX_ALT_CHARS, MAX_CODE_CHARS, MAX_IMAGES,
    MAX_LINE_CHARS, MAX_PIXELS, PreformattedBlock, RelatedArticleBlock,
};
use crate::body::code::{normal_code, normal_language};
use crate::body::embed::{EmbedProvider, EmbedUrl};
use crate::body::href::Href;
use crate::body::input::reader::{Fields, Read, Reader, Reported};
use crate::body::reference::MediaRef;

impl<E: DeserializeError> Reader<E> {
    pub(super) fn image<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<ImageBlock> {
        let members = &["type", "id", "url", "media", "alt", "caption", "credit", "link", "width", "height"];
        let image = self.picture(&mut fields, at);
        self.no_more(fields, members, at);
        image
    }

    fn picture<V: IntoValue>(&mut self, fields: &mut Fields<V>, at: ValuePointerRef) -> Read<ImageBlock> {
        let id = self.id(fields, at);
        let url = match fields.take_given("url") {
            None => Ok(None),
            Some(value) => self.image_url(value, at.push_key("url")).map(Some),
        };
        let media = match fields.take_given("media") {
            None => Ok(None),
            Some(value) => {
                let parse = |text: &str| MediaRef::parse(text).ok_or_else(|| "must be the id of a medium".to_owned());
                self.parsed(value, at.push_key("media"), parse).map(Some)
            }
        };
        let alt = match fields.take_given("alt") {
            None => Ok(None),
            Some(value) => self.clean_text(value, MAX_ALT_CHARS, at.push_key("alt")).map(Some),
        };
        let caption = self.optional_content(fields, "caption", at);
        let credit = self.line(fields, "credit", MAX_LINE_CHARS, at);
        let link = match fields.take_given("link") {
            None => Ok(None),
            Some(value) => self.href(value, at.push_key("link")).map(Some),
        };
        let width = self.optional_number(fields, "width", MAX_PIXELS, at);
        let height = self.optional_number(fields, "height", MAX_PIXELS, at);
        let (url, media) = (url?, media?);
        if url.is_none() && media.is_none() {
            self.refuse::<V>("an image needs `url` or `media`".to_owned(), at);
            return Err(Reported);
        }
        let alt = alt?.map(|alt| crate::body::inline::normal_line(&alt, MAX_ALT_CHARS).unwrap_or_default());
        let (caption, credit, link) = (caption?, credit?, link?);
        Ok(ImageBlock { id: id?, url, media, alt, caption, credit, link, width: width?, height: height? })
    }

    fn image_url<V: IntoValue>(&mut self, value: V, at: ValuePointerRef) -> Read<Href> {
        let href = self.href(value, at)?;
        if href.is_image() {
            return Ok(href);
        }
        let msg = "an image's address must be an http or https URL or a path that starts with one `/`";
        self.refuse::<V>(msg.to_owned(), at);
        Err(Reported)
    }

    /// Reads a whole number from 1 up.
    pub(super) fn optional_number<V: IntoValue>(
        &mut self,
        fields: &mut Fields<V>,
        name: &str,
        max: u32,
        at: ValuePointerRef,
    ) -> Read<Option<u32>> {
        self.number_from(1, fields, name, max, at)
    }

    pub(super) fn number_from<V: IntoValue>(
        &mut self,
        min: u32,
        fields: &mut Fields<V>,
        name: &str,
        max: u32,
        at: ValuePointerRef,
    ) -> Read<Option<u32>> {
        let at = at.push_key(name);
        let number = match fields.take_given(name).map(IntoValue::into_value) {
            None => return Ok(None),
            Some(Value::Integer(number)) => u32::try_from(number).ok(),
            Some(Value::NegativeInteger(_)) => None,
            Some(other) => {
                self.wrong_kind(other, &[ValueKind::Integer, ValueKind::Null], at);
                return Err(Reported);
            }
        };
        let number = number.filter(|number| (min..=max).contains(number));
        if number.is_none() {
            self.refuse::<V>(format!("must be between {min} and {max}"), at);
        }
        number.map(Some).ok_or(Reported)
    }

    pub(super) fn gallery<V: IntoValue>(
        &mut self,
        mut fields: Fields<V>,
        at: ValuePointerRef,
    ) -> Read<Option<GalleryBlock>> {
        let members = &["id", "url", "media", "alt", "caption", "credit", "link", "width", "height"];
        let id = self.id(&mut fields, at);
        let values = self.required(&mut fields, "images", at);
        let caption = self.optional_content(&mut fields, "caption", at);
        self.no_more(fields, &["type", "id", "images", "caption"], at);
        let at_images = at.push_key("images");
        let mut images = Vec::new();
        for (n, value) in self.up_to(MAX_IMAGES, values?, at_images)?.enumerate() {
            let at_image = at_images.push_index(n);
            let Ok(mut fields) = self.object(value, at_image) else {
                continue;
            };
            images.extend(self.picture(&mut fields, at_image).ok().map(Into::into));
            self.no_more(fields, members, at_image);
        }
        let (id, caption) = (id?, caption?);
        if images.is_empty() && caption.is_some() {
            self.refuse::<V>("a gallery needs an image".to_owned(), at_images);
            return Err(Reported);
        }
        Ok((!images.is_empty()).then_some(GalleryBlock { id, images, caption }))
    }

    pub(super) fn embed<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<EmbedBlock> {
        let id = self.id(&mut fields, at);
        let at_url = at.push_key("url");
        let url = self.required(&mut fields, "url", at).and_then(|value| self.href(value, at_url));
        let url = url.and_then(|url| {
            EmbedUrl::of(&url).ok_or_else(|| {
                self.refuse::<V>("an embed's address must be an http or https URL".to_owned(), at_url);
                Reported
            })
        });
        let at_provider = at.push_key("provider");
        let provider = match fields.take_given("provider") {
            None => Ok(None),
            Some(value) => self.named(value, &EmbedProvider::NAMES, at_provider, EmbedProvider::parse).map(Some),
        };
        let title = self.line(&mut fields, "title", MAX_LINE_CHARS, at);
        let caption = self.optional_content(&mut fields, "caption", at);
        self.no_more(fields, &["type", "id", "url", "provider", "title", "caption"], at);
        let (EmbedUrl { url, provider }, given) = (url?, provider?);
        if given.is_some_and(|given| given != provider) {
            self.refuse::<V>(format!("the address is one of the provider `{}`", provider.as_str()), at_provider);
            return Err(Reported);
        }
        // A card that shows the address shows no title.
        let title = title?.filter(|title| title != url.as_str());
        Ok(EmbedBlock { id: id?, url, provider, title, caption: caption? })
    }

    pub(super) fn code<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<Option<CodeBlock>> {
        let id = self.id(&mut fields, at);
        let language = match fields.take_given("language") {
            None => Ok(None),
            Some(value) => {
                let shape = "a language's name is 1 to 40 ASCII letters, digits, `_`, `+`, `.`, `#` and `-`";
                let parse = |text: &str| normal_language(text).ok_or_else(|| shape.to_owned());
                self.parsed(value, at.push_key("language"), parse).map(Some)
            }
        };
        let text = self.code_text(&mut fields, at);
        self.no_more(fields, &["type", "id", "language", "text"], at);
        let (id, language, text) = (id?, language?, text?);
        Ok(text.map(|text| CodeBlock { id, language, text }))
    }

    pub(super) fn preformatted<V: IntoValue>(
        &mut self,
        mut fields: Fields<V>,
        at: ValuePointerRef,
    ) -> Read<Option<PreformattedBlock>> {
        let id = self.id(&mut fields, at);
        let text = self.code_text(&mut fields, at);
        self.no_more(fields, &["type", "id", "text"], at);
        let (id, text) = (id?, text?);
        Ok(text.map(|text| PreformattedBlock { id, text }))
    }

    fn code_text<V: IntoValue>(&mut self, fields: &mut Fields<V>, at: ValuePointerRef) -> Read<Option<String>> {
        let value = self.required(fields, "text", at)?;
        let text = self.clean_text(value, MAX_CODE_CHARS, at.push_key("text"))?;
        Ok(normal_code(&text))
    }

    pub(super) fn divider<V: IntoValue>(&mut self, mut fields: Fields<V>, at: ValuePointerRef) -> Read<DividerBlock> {
        let id = self.id(&mut fields, at);
        self.no_more(fields, &["type", "id"], at);
        Ok(DividerBlock { id: id? })
    }

    pub(super) fn related_article<V: IntoValue>(
        &mut self,
        mut fields: Fields<V>,
        at: ValuePointerRef,
    ) -> Read<RelatedArticleBlock> {
        let id = self.id(&mut fields, at);
        let article = self.required(&mut fields, "article", at);
        let article = article.and_then(|value| self.article(value, at.push_key("article")));
        self.no_more(fields, &["type", "id", "article"], at);
        Ok(RelatedArticleBlock { id: id?, article: article? })
    }
}
