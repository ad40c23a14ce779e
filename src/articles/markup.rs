//! Takes the HTML of a live body apart for those who show it somewhere else: addresses become absolute, elements can be
//! left out, pictures are found.
//!
//! It reads only what `body::to_html` writes: `<` and `>` stand nowhere but around tags, and attributes in double quotes. So
//! it needs no parser of foreign HTML, and makes nothing of it that is not safe.

use std::borrow::Cow;

use url::Url;

/// A picture of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// Its absolute address.
    pub url: String,
    /// What it shows, for those who cannot see it.
    pub alt: Option<String>,
    /// The caption, as plain text.
    pub caption: Option<String>,
    /// Who made it.
    pub credit: Option<String>,
    /// Its width in pixels.
    pub width: Option<u32>,
    /// Its height in pixels.
    pub height: Option<u32>,
}

impl Picture {
    /// Returns the media type, as far as the address tells it.
    pub fn media_type(&self) -> Option<&'static str> {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        let (_, extension) = path.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" => Some("image/jpeg"),
            "png" => Some("image/png"),
            "gif" => Some("image/gif"),
            "webp" => Some("image/webp"),
            "avif" => Some("image/avif"),
            "svg" => Some("image/svg+xml"),
            _ => None,
        }
    }
}

/// Where a body is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place<'a> {
    /// The site, by which paths become absolute. Without it they lead nowhere.
    pub site: Option<&'a Url>,
    /// The article's page, at which its footnotes are.
    pub page: Option<&'a str>,
    /// The only elements that are kept; others leave what is in them. None keeps all.
    pub allowed: Option<&'a [String]>,
}

impl Place<'_> {
    /// Returns an address that leads to the same from everywhere; none, when there is none.
    fn absolute<'h>(&self, address: &'h str) -> Option<Cow<'h, str>> {
        if address.starts_with('#') {
            return Some(Cow::Owned(format!("{}{address}", escaped(self.page?))));
        }
        if address.starts_with('/') {
            let url = self.site?.join(&unescaped(address)).ok()?;
            return Some(Cow::Owned(escaped(url.as_str()).into_owned()));
        }
        Some(Cow::Borrowed(address))
    }

    fn is_allowed(&self, name: &str) -> bool {
        self.allowed.is_none_or(|allowed| allowed.iter().any(|one| one == name))
    }

    /// Writes a body for the place.
    pub fn write(&self, html: &str) -> String {
        let is_ready =
            self.allowed.is_none() && !["=\"/", "=\"#", "<img data-media"].iter().any(|it| html.contains(it));
        if is_ready {
            return html.to_owned();
        }
        let mut out = String::with_capacity(html.len() + html.len() / 8);
        for piece in pieces(html) {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Tag(tag) if self.is_allowed(tag.name) => self.tag(&tag, &mut out),
                Piece::Tag(_) => {}
            }
        }
        out
    }

    fn tag(&self, tag: &Tag<'_>, out: &mut String) {
        if tag.is_end {
            out.push_str("</");
            out.push_str(tag.name);
            out.push('>');
            return;
        }
        let before = out.len();
        out.push('<');
        out.push_str(tag.name);
        let mut has_source = false;
        for (name, value) in tag.attributes() {
            let value = match (name, value) {
                ("href" | "src", Some(address)) => match self.absolute(address) {
                    Some(address) => Some(address),
                    None => continue,
                },
                (_, value) => value.map(Cow::Borrowed),
            };
            has_source |= name == "src";
            out.push(' ');
            out.push_str(name);
            if let Some(value) = value {
                out.push_str("=\"");
                out.push_str(&value);
                out.push('"');
            }
        }
        out.push('>');
        // A picture without an address is none.
        if tag.name == "img" && !has_source {
            out.truncate(before);
        }
    }

    /// Returns the pictures of a body, in order.
    pub fn pictures(&self, html: &str) -> Vec<Picture> {
        let mut pictures = Vec::new();
        if !html.contains("<img ") {
            return pictures;
        }
        // A figure in a gallery is in another one, whose caption is not that of its last picture.
        let mut figures: Vec<Option<usize>> = Vec::new();
        let mut caption: Option<(usize, String, String)> = None;
        let mut is_credit = false;
        for piece in pieces(html) {
            match piece {
                Piece::Text(text) => {
                    if let Some((_, words, credit)) = &mut caption {
                        if is_credit { credit } else { words }.push_str(text);
                    }
                }
                Piece::Tag(tag) => match (tag.name, tag.is_end) {
                    ("figure", false) => figures.push(None),
                    ("figure", true) => drop(figures.pop()),
                    ("img", false) => {
                        if let Some(picture) = self.picture(&tag) {
                            if let Some(figure) = figures.last_mut() {
                                *figure = Some(pictures.len());
                            }
                            pictures.push(picture);
                        }
                    }
                    ("figcaption", false) => {
                        caption = figures.last().copied().flatten().map(|index| (index, String::new(), String::new()));
                    }
                    ("figcaption", true) => {
                        if let Some((index, words, credit)) = caption.take()
                            && let Some(picture) = pictures.get_mut(index)
                        {
                            (picture.caption, picture.credit) = (line(&words), line(&credit));
                        }
                    }
                    ("small", is_end) => is_credit = !is_end,
                    _ => {}
                },
            }
        }
        pictures
    }

    fn picture(&self, tag: &Tag<'_>) -> Option<Picture> {
        let mut picture = Picture::default();
        for (name, value) in tag.attributes() {
            let value = value.unwrap_or_default();
            match name {
                "src" => picture.url = unescaped(&self.absolute(value)?).into_owned(),
                "alt" => picture.alt = Some(unescaped(value).into_owned()).filter(|alt| !alt.is_empty()),
                "width" => picture.width = value.parse().ok(),
                "height" => picture.height = value.parse().ok(),
                _ => {}
            }
        }
        (!picture.url.is_empty()).then_some(picture)
    }
}

/// A text without markup on one line; none, when there is nothing in it.
fn line(text: &str) -> Option<String> {
    let text = unescaped(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

enum Piece<'a> {
    Text(&'a str),
    Tag(Tag<'a>),
}

struct Tag<'a> {
    name: &'a str,
    rest: &'a str,
    is_end: bool,
}

impl<'a> Tag<'a> {
    fn of(inner: &'a str) -> Self {
        let (inner, is_end) = inner.strip_prefix('/').map_or((inner, false), |inner| (inner, true));
        let (name, rest) = inner.split_once(' ').unwrap_or((inner, ""));
        Self { name, rest, is_end }
    }

    fn attributes(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let mut rest = self.rest.trim();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let end = rest.find(['=', ' ']).unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(end)?;
            let Some(quoted) = after.strip_prefix("=\"") else {
                rest = after.trim_start();
                return Some((name, None));
            };
            let (value, after) = quoted.split_once('"')?;
            rest = after.trim_start();
            Some((name, Some(value)))
        })
    }
}

fn pieces(html: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = html;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((tag, after)) = rest.strip_prefix('<').and_then(|inner| inner.split_once('>')) {
            rest = after;
            return Some(Piece::Tag(Tag::of(tag)));
        }
        let end = rest.find('<').filter(|at| *at > 0).unwrap_or(rest.len());
        let (text, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(Piece::Text(text))
    })
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&nbsp;", "\u{a0}");
    Cow::Owned(text.replace("&#91;", "[").replace("&amp;", "&"))
}

fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(allowed: Option<&[String]>) -> (Url, Option<Vec<String>>) {
        (Url::parse("https://www.example.org/").unwrap(), allowed.map(<[String]>::to_vec))
    }

    #[test]
    fn addresses_become_absolute_and_what_leads_nowhere_goes() {
        let (site, _) = place(None);
        let html = "<p>A &lt;b&gt; <a href=\"/x?a=1&amp;b=2\">x</a><sup data-fn=\"1\"><a href=\"#fn-1\">1</a></sup></p>\
                    <img src=\"/i.jpg\" alt=\"\"><img data-media=\"7\" loading=\"lazy\">";

        let there = Place { site: Some(&site), page: Some("https://www.example.org/p"), allowed: None };
        assert_eq!(
            there.write(html),
            "<p>A &lt;b&gt; <a href=\"https://www.example.org/x?a=1&amp;b=2\">x</a><sup data-fn=\"1\">\
             <a href=\"https://www.example.org/p#fn-1\">1</a></sup></p><img src=\"https://www.example.org/i.jpg\" alt=\"\">"
        );
        let nowhere = Place::default();
        assert_eq!(nowhere.write(html), "<p>A &lt;b&gt; <a>x</a><sup data-fn=\"1\"><a>1</a></sup></p>");
    }

    #[test]
    fn only_what_is_allowed_is_kept_and_text_stays() {
        let allowed = ["p".to_owned(), "a".to_owned()];
        let place = Place { allowed: Some(&allowed), ..Place::default() };

        let html = "<p>One <strong>two</strong> <a href=\"https://a.test/\">three</a></p><iframe src=\"https://b.test/\"></iframe>";
        assert_eq!(place.write(html), "<p>One two <a href=\"https://a.test/\">three</a></p>");
    }

    #[test]
    fn pictures_have_their_own_captions_and_credits() {
        let (site, _) = place(None);
        let html = "<figure data-gallery><figure><a href=\"/x\"><img src=\"/a.jpg\" alt=\"A &amp; B\" width=\"10\" height=\"5\" loading=\"lazy\"></a>\
                    <figcaption>The <em>quay</em> <small>Mina &quot;M&quot; Rad</small></figcaption></figure>\
                    <figure><img src=\"https://b.test/b.PNG?x=1&amp;y=2\" loading=\"lazy\"></figure><figcaption>Both</figcaption></figure>";

        let pictures = Place { site: Some(&site), ..Place::default() }.pictures(html);

        let first = Picture {
            url: "https://www.example.org/a.jpg".into(),
            alt: Some("A & B".into()),
            caption: Some("The quay".into()),
            credit: Some("Mina \"M\" Rad".into()),
            width: Some(10),
            height: Some(5),
        };
        let second = Picture { url: "https://b.test/b.PNG?x=1&y=2".into(), ..Picture::default() };
        assert_eq!(pictures, [first, second]);
        assert_eq!(pictures[1].media_type(), Some("image/png"));
    }
}
