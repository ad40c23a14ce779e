//! More published attacks: mutations by which trees change when they are written and read again, names that hide a page's
//! own properties, and addresses whose scheme is not what it seems. See `attacks` for what is asserted.

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, proptest};
use proptest::sample::select;

use crate::body::tests::assert_harmless;
use crate::body::{Body, Href, NoLinks};

const MUTATIONS: &[&str] = &[
    // DOMPurify's bypasses and the research around them.
    "<form><math><mtext></form><form><mglyph><svg><mtext><style><path id=\"</style><img onerror=alert(1) src>\">",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;/mglyph&gt;&lt;img&Tab;src=1&Tab;onerror=alert(1)&gt;\">",
    "<math><mi><table><mglyph><svg><mtext><textarea><path id=\"</textarea><img onerror=alert(1) src=1>\">",
    "<math><annotation-xml encoding=\"text/html\"><p><style><img title=\"</style><img src onerror=alert(1)>\">",
    "<math><annotation-xml encoding=\"application/xhtml+xml\"><desc><script>alert(1)</script></desc></annotation-xml></math>",
    "<svg><annotation-xml><foreignobject><style><!--</style><p id=\"--><img src=x onerror=alert(1)>\">",
    "<svg><desc><table><title><style></title></style><img src=x onerror=alert(1)></title></table></desc></svg>",
    "<svg><title><style></title><img src=x onerror=alert(1)></style></title></svg>",
    "<svg><foreignObject><p><style><a id=\"</style><img src=x onerror=alert(1)>\"></a></style></p></foreignObject></svg>",
    "<svg><b><style><a title=\"</style><img src onerror=alert(1)>\">",
    "<svg></br><style><a title=\"</style><img src onerror=alert(1)>\">",
    "<svg></p><textarea><title><style></textarea><img src=x onerror=alert(1)></style></title></svg>",
    "<svg><font color=x><style><img title=\"</style><img src onerror=alert(1)>\">",
    "<svg><script>alert&lpar;1&rpar;</script></svg>",
    "<svg><style>&lt;img src=x onerror=alert(1)&gt;</style></svg>",
    "<svg><![CDATA[</svg><img src=x onerror=alert(1)>]]></svg>",
    "<math><![CDATA[<img src=x onerror=alert(1)>]]></math>",
    "<svg><use href=\"data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><image href='1' onerror='alert(1)'/></svg>#x\"/>",
    "<svg><handler xmlns:ev=\"http://www.w3.org/2001/xml-events\" ev:event=\"load\">alert(1)</handler></svg>",
    "<svg><image href=x onerror=alert(1)></svg>",
    "<svg><a><rect width=99% height=99% /><animate attributeName=href to=javascript:alert(1)></a></svg>",
    "<svg><feImage xlink:href=\"data:image/svg+xml,<svg onload=alert(1)>\"></svg>",
    "<svg><discard onbegin=alert(1)>",
    "<table><math><mtext><table><mglyph><style><img src onerror=alert(1)></style>",
    "<table><td><svg><desc><td><svg><style><!--</style><img src onerror=alert(1)>-->",
    "<table><caption><svg><title><table><style></caption><img src onerror=alert(1)></style>",
    "<table><colgroup><template><col><style></template><img src onerror=alert(1)></style>",
    "<select><template><style></select><img src=x onerror=alert(1)></style></template>",
    "<select><option><style></option></select><img src=x onerror=alert(1)></style>",
    "<select><iframe></select><img src=x onerror=alert(1)></iframe>",
    "<select><svg><style><img src=x onerror=alert(1)>",
    "<option><style></option></select><b><img src=xx: onerror=alert(1)></style></option>",
    "<noscript><style></noscript><img src=x onerror=alert(1)></style>",
    "<noscript><!--</noscript><img src=x onerror=alert(1)>--></noscript>",
    "<noscript><iframe></noscript><img src=x onerror=alert(1)></iframe></noscript>",
    "<p title='</noscript><style onload=alert(1)>'>x</p><noscript>",
    "<noscript/><p/><img title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<xmp><!--</xmp><img src=x onerror=alert(1)>--></xmp>",
    "<xmp><svg><b title='</xmp><img src=x onerror=alert(1)>'>",
    "<iframe><!--</iframe><img src=x onerror=alert(1)>--></iframe>",
    "<iframe srcdoc='&lt;script&gt;alert(1)&lt;/script&gt;' src=https://www.youtube.com/embed/dQw4w9WgXcQ></iframe>",
    "<iframe src=\"https://www.youtube.com@evil.example/embed/dQw4w9WgXcQ\"></iframe>",
    "<iframe src=\"https://www.youtube.com.evil.example/embed/dQw4w9WgXcQ\"></iframe>",
    "<iframe src=\"https://www.youtube.com/embed/..%2f..%2fredirect?q=https://evil.example\"></iframe>",
    "<iframe src=\"https://www.youtube.com/embed/x&quot; onload=&quot;alert(1)\"></iframe>",
    "<iframe src=\"https://player.vimeo.com/video/1?h=a%22%20onload%3Dalert(1)\"></iframe>",
    "<iframe src=\"https://w.soundcloud.com/player/?url=javascript:alert(1)\"></iframe>",
    "<iframe src=\"https://w.soundcloud.com/player/?url=https%3A//evil.example/a/b\"></iframe>",
    "<style><style/><img src=x onerror=alert(1)>",
    "<style>@import url(</style><img src=x onerror=alert(1)>)</style>",
    "<textarea><!--</textarea><img src=x onerror=alert(1)>--></textarea>",
    "<title>&lt;/title&gt;&lt;img src=x onerror=alert(1)&gt;</title>",
    "<template><iframe><template></iframe><img src=x onerror=alert(1)>",
    "<template shadowrootmode=open><img src=x onerror=alert(1)></template>",
    "<template><tr></template><img src=x onerror=alert(1)>",
    "<p><template></p><img src=x onerror=alert(1)></template>",
    "<plaintext><!--</plaintext><img src=x onerror=alert(1)>-->",
    "<listing>\n<img src=x onerror=alert(1)></listing><pre>\n\n&lt;img src=x onerror=alert(1)&gt;</pre>",
    "<form><form><img src=x onerror=alert(1)></form></form><form id=a><input form=a name=attributes></form>",
    "<form id=x></form><table><form><tr><td></form><form><button formaction=javascript:alert(1)>y</table>",
    "<div><form></div><b></form><svg></form><p><style><img title=\"</style><img src onerror=alert(1)>\">",
    "<a><b><p></a><svg></b></p><style><i title=\"</style><img src onerror=alert(1)>\">",
    "<b><table><td><i></b></table><svg><style><img title=\"</style><img src onerror=alert(1)>\">",
    "<a href=/1><p><a href=/2><table><a href=/3>x</table></a></p>",
    "<h1><h2><svg></h1><style><a title=\"</style><img src onerror=alert(1)>\">",
    "<dl><dt><svg><dd><style><a title=\"</style><img src onerror=alert(1)>\">",
    "<ruby><rtc><svg><rp><style><a title=\"</style><img src onerror=alert(1)>\">",
    "<button><button><svg></button><style><a title=\"</style><img src onerror=alert(1)>\">",
    "<nobr><nobr><svg></nobr><style><a title=\"</style><img src onerror=alert(1)>\">",
    "<frameset onload=alert(1)><frame src=javascript:alert(1)></frameset>",
    "<body onpageshow=alert(1)><html onclick=alert(1)><head><base href=//evil.example/></head>",
    "<!DOCTYPE html [<!ENTITY x \"<img src=x onerror=alert(1)>\">]>&x;",
    "<?xml-stylesheet href=\"javascript:alert(1)\"?><?php <img src=x onerror=alert(1)> ?>",
    "<![if !IE]><img src=x onerror=alert(1)><![endif]>",
    "<!--[if mso]><img src=x onerror=alert(1)><![endif]--><!--[if !mso]><!--><script>alert(1)</script><!--<![endif]-->",
    "<comment><img src=\"</comment><img src=x onerror=alert(1))//\"></comment>",
    "<image src=x onerror=alert(1)><image xlink:href=javascript:alert(1)>",
    "<img src=x:alert(alt) onerror=eval(src) alt=0>",
    "<img srcset=\"javascript:alert(1) 1x, x 2x\" sizes=x onerror=alert(1)>",
    "<picture><source srcset=\"x\" onerror=alert(1)><img src=\"data:image/svg+xml,<svg onload=alert(1)>\"></picture>",
    "<embed code=https://evil.example/x.swf allowscriptaccess=always><param name=src value=javascript:alert(1)>",
    "<object><param name=movie value=javascript:alert(1)><embed src=javascript:alert(1)></object>",
    "<applet code=x codebase=//evil.example></applet><isindex action=javascript:alert(1) type=submit>",
    "<link rel=stylesheet href=//evil.example><link rel=prefetch href=//evil.example/x>",
    "<meta http-equiv=Content-Security-Policy content=\"script-src *\"><meta charset=utf-7>",
    // Names that hide a page's own properties.
    "<img name=getElementById src=/x><img id=cookie src=/x><a id=location href=/x>x</a><a id=defaultView name=x href=/y>y</a>",
    "<form name=attributes><input name=removeAttribute><input id=children><output name=innerHTML></form>",
    "<a id=x><a id=x name=y href=\"cid:alert(1)\">z</a>",
    "<section id=__proto__><p id=constructor name=hasOwnProperty>x</section><iframe name=self></iframe><object name=top>",
    "<ol class=wp-block-footnotes><li id='a\" onclick=alert(1) x=\"'>x</ol><sup data-fn='\"><img src=x onerror=alert(1)>'>1</sup>",
    "<code class='language-\"><img src=x onerror=alert(1)>'>x</code><pre><code class='language-x\"onclick=alert(1)'>y</code></pre>",
    "<aside data-note='editor\" onclick=alert(1)'>x</aside><aside data-article='\"><script>'>y</aside>",
    "<span lang='de\" onclick=alert(1)' dir='rtl\" onclick=alert(1)'>x</span><p lang='\"><script>alert(1)</script>'>y",
    "<td colspan='2\" onclick=alert(1)'>x<td rowspan=99999999999999999999>y<th scope='\"><script>'>z",
    "[caption id='\"><script>alert(1)</script>']<img src=/x>x<script>alert(1)</script>[/caption]",
    "&#0;&#x80;&#xD800;&#x110000;&#xFFFFFFFFF;&#60script&#62alert(1)&#60/script&#62",
    "<\u{a0}script>alert(1)</\u{a0}script><\u{ff1c}script\u{ff1e}alert(1)",
    "<a\u{b}href=javascript:alert(1)>x</a><a\u{c}href=javascript:alert(1)>x</a><a/href=javascript:alert(1)>x</a>",
];

/// What stands before, in and behind a scheme to hide it.
const NOISE: &[&str] = &[
    "",
    " ",
    "\t",
    "\n",
    "\r",
    "\0",
    "\u{1}",
    "\u{b}",
    "\u{c}",
    "\u{1b}",
    "\u{1f}",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{ad}",
    "\u{200b}",
    "\u{200e}",
    "\u{2028}",
    "\u{2060}",
    "\u{feff}",
    "&Tab;",
    "&NewLine;",
    "&#9",
    "&#10;",
    "&#x0D;",
    "&#0000009",
    "&#x1;",
    "&nbsp;",
    "&ZeroWidthSpace;",
    "&shy;",
    "%09",
    "%0a",
    "%00",
    "\\",
    "/",
    "//",
    "/\\",
    ".",
    "..",
    "#",
    "?",
    "@",
    ":",
    "&colon;",
    "&#58",
    "&#x3a;",
    "%3a",
    "&sol;",
    "&bsol;",
    "&lpar;",
    "\u{ff1a}",
    "\u{fe55}",
    "\u{130}",
    "\u{17f}",
    "<!-- -->",
];

const SCHEMES: &[&str] = &[
    "javascript",
    "JaVaScRiPt",
    "java",
    "script",
    "vbscript",
    "livescript",
    "mocha",
    "data",
    "data:text/html,",
    "blob",
    "filesystem",
    "view-source",
    "feed",
    "jar",
    "file",
    "ftp",
    "ws",
    "wss",
    "chrome",
    "about",
    "about:blank",
    "cid",
    "mid",
    "tel",
    "mailto",
    "https",
    "http",
    "intent",
    "ms-word",
    "resource",
    "x-javascript",
    "alert(1)",
    "//evil.example",
    "ſcript",
    "&#106;avascript",
    "&#x6a;avascript",
    "j&#97vascript",
    "%6aavascript",
];

fn assert_safe(html: &str) {
    let body = Body::from_html(html).body;
    let written = body.to_html(&NoLinks);
    assert_harmless(&written);
    assert_eq!(Body::from_html(&written).body, body, "read again differently: {html}");
}

#[test]
fn no_mutation_comes_through() {
    for vector in MUTATIONS {
        assert_safe(vector);
        assert_safe(&format!("<p>a {vector} b</p>"));
        for around in
            ["table><tr><td", "svg", "math", "noscript", "template", "select", "details><summary", "pre", "figure"]
        {
            assert_safe(&format!("<{around}>{vector}<p>c"));
        }
    }
}

#[test]
fn mutations_joined_do_not_come_through_either() {
    for first in MUTATIONS {
        for second in MUTATIONS {
            assert_harmless(&Body::from_html(&format!("{first}{second}")).body.to_html(&NoLinks));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_scheme_comes_through_in_disguise(
        parts in vec(proptest::prop_oneof![select(NOISE), select(SCHEMES), proptest::strategy::Just(":")], 1..8),
    ) {
        let url = parts.concat();
        let quoted = url.replace('"', "&quot;");
        assert_safe(&format!("<a href=\"{quoted}\">x</a><img src=\"{quoted}\"><iframe src=\"{quoted}\"></iframe>"));
        assert_safe(&format!("<figure class=wp-block-embed>{quoted}</figure><oembed url=\"{quoted}\"></oembed>"));
        for href in [Href::parse(&url), Href::parse_lenient(&url)].into_iter().flatten() {
            let href = href.as_str();
            let is_known = ["https://", "http://", "mailto:", "tel:", "#"].iter().any(|start| href.starts_with(start));
            assert!(is_known || (href.starts_with('/') && !href.starts_with("//")), "{url:?} is {href:?}");
        }
    }

    #[test]
    fn attacks_cut_and_mixed_do_not_come_through(
        pieces in vec((select(MUTATIONS), 0_usize..200, 0_usize..200), 1..6),
    ) {
        let cut = |(text, from, len): &(&str, usize, usize)| text.chars().skip(*from % 80).take(*len).collect::<String>();
        assert_safe(&pieces.iter().map(cut).collect::<String>());
    }
}
