//! Writes pictures and embeds.

use crate::body::block::{EmbedBlock, GalleryBlock, ImageView};
use crate::body::embed::{self, Frame};
use crate::body::to_html::Writer;

impl<'a> Writer<'a> {
    pub(super) fn image_figure(&mut self, image: ImageView<'a>) {
        self.out.push_str("<figure>");
        if let Some(link) = image.link {
            self.out.push_str("<a");
            let address = self.address(link);
            self.attribute("href", &address);
            self.rel(Some(link), &[]);
            self.out.push('>');
        }
        self.image(image);
        if image.link.is_some() {
            self.out.push_str("</a>");
        }
        if image.caption.is_some() || image.credit.is_some() {
            self.out.push_str("<figcaption>");
            self.content(image.caption.unwrap_or_default());
            if let Some(credit) = image.credit {
                self.out.push_str(if image.caption.is_some() { " <small>" } else { "<small>" });
                self.escaped(credit);
                self.out.push_str("</small>");
            }
            self.out.push_str("</figcaption>");
        }
        self.out.push_str("</figure>");
    }

    fn image(&mut self, image: ImageView<'a>) {
        self.out.push_str("<img");
        let url = image.url.map(|url| self.address(url));
        if let Some(url) = url.or_else(|| image.media.and_then(|media| self.media_url(media))) {
            self.attribute("src", &url);
        }
        if let Some(media) = image.media {
            self.attribute("data-media", &media.to_string());
        }
        if let Some(alt) = image.alt {
            self.attribute("alt", alt);
        }
        for (name, size) in [("width", image.width), ("height", image.height)] {
            if let Some(size) = size {
                self.attribute(name, &size.to_string());
            }
        }
        self.out.push_str(" loading=\"lazy\">");
    }

    pub(super) fn gallery(&mut self, gallery: &'a GalleryBlock) {
        self.out.push_str("<figure data-gallery>");
        for image in &gallery.images {
            self.image_figure(image.view());
        }
        self.caption(gallery.caption.as_deref());
        self.out.push_str("</figure>");
    }

    pub(super) fn embed(&mut self, embed: &'a EmbedBlock) {
        self.out.push_str("<figure");
        self.attribute("data-embed", embed.provider.as_str());
        self.out.push('>');
        match embed::frame(&embed.url, embed.provider) {
            Some(Frame { src, allow }) => {
                self.out.push_str("<iframe");
                self.attribute("src", &src);
                if let Some(title) = &embed.title {
                    self.attribute("title", title);
                }
                self.attribute("allow", allow);
                // The player needs scripts, and its own origin for them; it gets no way to the page around it.
                self.attribute("sandbox", "allow-popups allow-presentation allow-same-origin allow-scripts");
                self.out.push_str(
                    " allowfullscreen loading=\"lazy\" referrerpolicy=\"strict-origin-when-cross-origin\"></iframe>",
                );
            }
            None => {
                self.out.push_str("<a");
                self.attribute("href", embed.url.as_str());
                self.rel(Some(&embed.url), &[]);
                self.out.push('>');
                self.escaped(embed.title.as_deref().unwrap_or(embed.url.as_str()));
                self.out.push_str("</a>");
            }
        }
        self.caption(embed.caption.as_deref());
        self.out.push_str("</figure>");
    }
}
