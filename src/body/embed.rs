//! Which provider an embed's address belongs to, its one form, and the address of the frame that shows it.
//!
//! A provider is known by the shape of its addresses, never by what HTML says about itself. To add one: a variant, its
//! name, a function that recognizes its addresses, and if it can be shown in a frame, the frame's address.

use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use crate::body::href::Href;

/// Who provides an embed: `youtube`, `vimeo`, `dailymotion`, `aparat` (videos), `spotify`, `soundcloud` (audio),
/// `datawrapper`, `flourish` (charts), `x`, `instagram`, `tiktok`, `facebook`, `telegram`, `bluesky` (posts), or `other`.
///
/// Videos, audio and charts are shown in a frame in HTML, the others as a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EmbedProvider {
    /// A video or a playlist of YouTube.
    Youtube,
    /// A video of Vimeo.
    Vimeo,
    /// A video of Dailymotion.
    Dailymotion,
    /// A video of Aparat.
    Aparat,
    /// Music or a podcast of Spotify.
    Spotify,
    /// A sound of SoundCloud.
    Soundcloud,
    /// A chart of Datawrapper.
    Datawrapper,
    /// A chart of Flourish.
    Flourish,
    /// A post on X.
    X,
    /// A post on Instagram.
    Instagram,
    /// A video of TikTok.
    Tiktok,
    /// A post on Facebook.
    Facebook,
    /// A post in a Telegram channel.
    Telegram,
    /// A post on Bluesky.
    Bluesky,
    /// Anything else.
    Other,
}

impl EmbedProvider {
    const ALL: [Self; 15] = [
        Self::Youtube,
        Self::Vimeo,
        Self::Dailymotion,
        Self::Aparat,
        Self::Spotify,
        Self::Soundcloud,
        Self::Datawrapper,
        Self::Flourish,
        Self::X,
        Self::Instagram,
        Self::Tiktok,
        Self::Facebook,
        Self::Telegram,
        Self::Bluesky,
        Self::Other,
    ];

    /// The names of all providers.
    pub(super) const NAMES: [&'static str; 15] = [
        "youtube",
        "vimeo",
        "dailymotion",
        "aparat",
        "spotify",
        "soundcloud",
        "datawrapper",
        "flourish",
        "x",
        "instagram",
        "tiktok",
        "facebook",
        "telegram",
        "bluesky",
        "other",
    ];

    /// Returns the provider of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().position(|known| *known == name).and_then(|n| Self::ALL.get(n)).copied()
    }

    /// Returns the provider's name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().position(|known| *known == self).and_then(|n| Self::NAMES.get(n)).copied().unwrap_or("other")
    }
}

/// The address of something that can be embedded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedUrl {
    /// The address in the provider's usual form.
    pub url: Href,
    /// Who provides it.
    pub provider: EmbedProvider,
}

impl EmbedUrl {
    /// Recognizes an address; nothing if it does not lead to the web.
    pub fn of(href: &Href) -> Option<Self> {
        if !href.is_absolute_web() {
            return None;
        }
        let found = Url::parse(href.as_str()).ok().and_then(|url| recognize(&url));
        let known = found.and_then(|(provider, url)| Some(Self { url: Href::parse(&url).ok()?, provider }));
        Some(known.unwrap_or_else(|| Self { url: href.clone(), provider: EmbedProvider::Other }))
    }
}

/// How an embed's frame is filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// The address of what is shown.
    pub(super) src: String,
    /// What the frame may use beyond showing itself.
    pub(super) allow: &'static str,
}

/// Returns the frame for an address in its usual form; nothing for what is shown as a link.
pub(super) fn frame(url: &Href, provider: EmbedProvider) -> Option<Frame> {
    const VIDEO: &str = "encrypted-media; fullscreen; picture-in-picture";
    let address = Url::parse(url.as_str()).ok()?;
    let path: Vec<&str> = address.path_segments()?.collect();
    let last = path.last().copied().unwrap_or_default();
    let src = match provider {
        EmbedProvider::Youtube => {
            let start = query(&address, "t").map(|seconds| format!("?start={seconds}")).unwrap_or_default();
            match (query(&address, "v"), query(&address, "list")) {
                (Some(video), _) => format!("https://www.youtube-nocookie.com/embed/{video}{start}"),
                (None, Some(list)) => format!("https://www.youtube-nocookie.com/embed/videoseries?list={list}"),
                (None, None) => return None,
            }
        }
        EmbedProvider::Vimeo => match path.as_slice() {
            [id, hash] => format!("https://player.vimeo.com/video/{id}?h={hash}&dnt=1"),
            _ => format!("https://player.vimeo.com/video/{last}?dnt=1"),
        },
        EmbedProvider::Dailymotion => format!("https://www.dailymotion.com/embed/video/{last}"),
        EmbedProvider::Aparat => format!("https://www.aparat.com/video/video/embed/videohash/{last}/vt/frame"),
        EmbedProvider::Spotify => format!("https://open.spotify.com/embed{}", address.path()),
        EmbedProvider::Soundcloud => {
            let target: String = url::form_urlencoded::byte_serialize(url.as_str().as_bytes()).collect();
            format!("https://w.soundcloud.com/player/?url={target}")
        }
        EmbedProvider::Datawrapper | EmbedProvider::Flourish => url.as_str().to_owned(),
        _ => return None,
    };
    let allow = match provider {
        EmbedProvider::Datawrapper | EmbedProvider::Flourish => "fullscreen",
        _ => VIDEO,
    };
    Some(Frame { src, allow })
}

type Found = Option<(EmbedProvider, String)>;

fn recognize(url: &Url) -> Found {
    if url.port().is_some() || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let host = url.host_str()?;
    let host = ["www.", "m.", "mobile."].iter().find_map(|prefix| host.strip_prefix(prefix)).unwrap_or(host);
    let path: Vec<&str> = url.path_segments()?.filter(|segment| !segment.is_empty()).collect();
    match host {
        "youtube.com" | "youtube-nocookie.com" | "youtu.be" | "music.youtube.com" => youtube(url, host, &path),
        "vimeo.com" | "player.vimeo.com" => vimeo(url, &path),
        "dailymotion.com" | "dai.ly" | "geo.dailymotion.com" => dailymotion(url, host, &path),
        "aparat.com" => aparat(&path),
        "open.spotify.com" => spotify(&path),
        "soundcloud.com" | "w.soundcloud.com" => soundcloud(url, host, &path),
        "datawrapper.dwcdn.net" => match path.as_slice() {
            [id, ..] if is_id(id) => known(EmbedProvider::Datawrapper, format!("https://datawrapper.dwcdn.net/{id}/")),
            _ => None,
        },
        "public.flourish.studio" | "flo.uri.sh" => flourish(&path),
        _ => post(host, &path),
    }
}

fn known(provider: EmbedProvider, url: String) -> Found {
    Some((provider, url))
}

fn youtube(url: &Url, host: &str, path: &[&str]) -> Found {
    let list = query(url, "list").filter(|list| is_id(list));
    let video = match path {
        [id] if host == "youtu.be" => Some((*id).to_owned()),
        ["watch"] => query(url, "v"),
        ["embed", "videoseries"] | ["playlist"] => None,
        ["embed" | "shorts" | "live" | "v" | "e", id] => Some((*id).to_owned()),
        _ => return None,
    };
    let page = match (video, list) {
        (Some(id), _) if is_id(&id) => {
            let start = ["t", "start"].iter().find_map(|name| seconds(&query(url, name)?)).filter(|start| *start > 0);
            let start = start.map(|start| format!("&t={start}")).unwrap_or_default();
            format!("https://www.youtube.com/watch?v={id}{start}")
        }
        (None, Some(list)) => format!("https://www.youtube.com/playlist?list={list}"),
        _ => return None,
    };
    known(EmbedProvider::Youtube, page)
}

fn vimeo(url: &Url, path: &[&str]) -> Found {
    let (id, hash) = match path {
        ["video", id] => (*id, query(url, "h")),
        [id] => (*id, query(url, "h")),
        [id, hash] => (*id, Some((*hash).to_owned())),
        ["channels", _, id] | ["groups", _, "videos", id] => (*id, None),
        _ => return None,
    };
    if !is_number(id) {
        return None;
    }
    let hash = hash.filter(|hash| is_id(hash)).map(|hash| format!("/{hash}")).unwrap_or_default();
    known(EmbedProvider::Vimeo, format!("https://vimeo.com/{id}{hash}"))
}

fn dailymotion(url: &Url, host: &str, path: &[&str]) -> Found {
    let id = match path {
        [id] if host == "dai.ly" => (*id).to_owned(),
        ["video", id] | ["embed", "video", id] => (*id).to_owned(),
        [player] if host == "geo.dailymotion.com" && player.starts_with("player") => query(url, "video")?,
        _ => return None,
    };
    // Older addresses have a title behind the id.
    let id = id.split('_').next().unwrap_or_default();
    if is_id(id) { known(EmbedProvider::Dailymotion, format!("https://www.dailymotion.com/video/{id}")) } else { None }
}

fn aparat(path: &[&str]) -> Found {
    match path {
        ["v", id] | ["video", "video", "embed", "videohash", id, ..] if is_id(id) => {
            known(EmbedProvider::Aparat, format!("https://www.aparat.com/v/{id}"))
        }
        _ => None,
    }
}

fn spotify(path: &[&str]) -> Found {
    let path = match path {
        ["embed" | "embed-podcast", rest @ ..] => rest,
        [language, rest @ ..] if language.starts_with("intl-") => rest,
        path => path,
    };
    match path {
        [kind @ ("track" | "album" | "artist" | "playlist" | "episode" | "show"), id] if is_id(id) => {
            known(EmbedProvider::Spotify, format!("https://open.spotify.com/{kind}/{id}"))
        }
        _ => None,
    }
}

fn soundcloud(url: &Url, host: &str, path: &[&str]) -> Found {
    if host == "w.soundcloud.com" {
        let page = Url::parse(&query(url, "url")?).ok()?;
        let host = page.host_str()?.trim_start_matches("www.");
        let is_track = |path: &[&str]| matches!(path, ["tracks" | "playlists", id] if is_number(id));
        let path: Vec<&str> = page.path_segments()?.collect();
        return match host {
            // The player's own addresses have no page; they are kept as they are.
            "api.soundcloud.com" if is_track(&path) => {
                known(EmbedProvider::Soundcloud, format!("https://api.soundcloud.com/{}", path.join("/")))
            }
            "soundcloud.com" => soundcloud(&page, host, &path),
            _ => None,
        };
    }
    match path {
        [user, sound] if is_id(user) && is_id(sound) => {
            known(EmbedProvider::Soundcloud, format!("https://soundcloud.com/{user}/{sound}"))
        }
        [user, "sets", set] if is_id(user) && is_id(set) => {
            known(EmbedProvider::Soundcloud, format!("https://soundcloud.com/{user}/sets/{set}"))
        }
        _ => None,
    }
}

fn flourish(path: &[&str]) -> Found {
    match path {
        [kind @ ("visualisation" | "story"), id, ..] if is_number(id) => {
            known(EmbedProvider::Flourish, format!("https://flo.uri.sh/{kind}/{id}/embed"))
        }
        _ => None,
    }
}

/// Recognizes posts of social networks.
fn post(host: &str, path: &[&str]) -> Found {
    let found = match (host, path) {
        ("twitter.com" | "x.com", [user, "status" | "statuses", id, ..]) if is_id(user) && is_number(id) => {
            (EmbedProvider::X, format!("https://x.com/{user}/status/{id}"))
        }
        ("instagram.com", [kind @ ("p" | "reel" | "tv"), id, ..]) if is_id(id) => {
            (EmbedProvider::Instagram, format!("https://www.instagram.com/{kind}/{id}/"))
        }
        ("tiktok.com", [user, "video", id]) if is_handle(user) && is_number(id) => {
            (EmbedProvider::Tiktok, format!("https://www.tiktok.com/{user}/video/{id}"))
        }
        ("facebook.com", [user, kind @ ("posts" | "videos"), id]) if is_handle(user) && is_id(id) => {
            (EmbedProvider::Facebook, format!("https://www.facebook.com/{user}/{kind}/{id}"))
        }
        ("t.me", [channel, id]) if is_id(channel) && is_number(id) => {
            (EmbedProvider::Telegram, format!("https://t.me/{channel}/{id}"))
        }
        ("bsky.app", ["profile", user, "post", id]) if is_handle(user) && is_id(id) => {
            (EmbedProvider::Bluesky, format!("https://bsky.app/profile/{user}/post/{id}"))
        }
        _ => return None,
    };
    Some(found)
}

fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Reads `90`, `90s` or `1h2m3s`.
fn seconds(text: &str) -> Option<u32> {
    let mut total = 0_u32;
    let mut number = String::new();
    for c in text.chars() {
        let factor = match c {
            '0'..='9' => {
                number.push(c);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u32>().ok()?.checked_mul(factor)?)?;
        number.clear();
    }
    if number.is_empty() { Some(total) } else { total.checked_add(number.parse().ok()?) }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_id(text: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(is_fine)
}

fn is_handle(text: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'@');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(is_fine) && !text.starts_with('.')
}
