//! Writes one generated article from a beat and a scene.
//!
//! The body follows the plan of a news report: what happened, what is known, who says what, more detail under
//! headings, and a last line. Which sentences are used, and how many, differs by article.

use crate::demo::beats::Beat;
use crate::demo::rng::Rng;
use crate::demo::scene::Scene;

/// How long an article is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Length {
    Short,
    Medium,
    Long,
}

/// Writes the body, which opens with the given sentence, as HTML.
pub(super) fn body_html(beat: &Beat, scene: &Scene, lede: &str, rng: &mut Rng) -> String {
    let length = match rng.below(10) {
        0..3 => Length::Short,
        3..7 => Length::Medium,
        _ => Length::Long,
    };
    let mut writer = Writer::new(beat, scene, rng);
    writer.opening(lede);
    writer.middle(length);
    if length == Length::Long {
        writer.second_part();
    }
    let closing = writer.sentence_from("closings");
    writer.paragraph(&[closing]);
    writer.html
}

/// Sentences that have not been used yet.
type Unused = std::vec::IntoIter<&'static str>;

/// Collects the body's HTML and remembers what has been used.
struct Writer<'a> {
    beat: &'a Beat,
    scene: Scene,
    rng: &'a mut Rng,
    facts: Unused,
    general: Unused,
    quotes: Unused,
    heads: Unused,
    introduced: [bool; 2],
    html: String,
}

impl<'a> Writer<'a> {
    fn new(beat: &'a Beat, scene: &Scene, rng: &'a mut Rng) -> Self {
        Self {
            beat,
            scene: scene.clone(),
            facts: rng.shuffled(beat.pool("facts")).into_iter(),
            general: rng.shuffled(beat.pool("general")).into_iter(),
            quotes: rng.shuffled(beat.pool("quotes")).into_iter(),
            heads: rng.shuffled(beat.pool("heads")).into_iter(),
            introduced: [false; 2],
            html: String::with_capacity(4096),
            rng,
        }
    }

    fn opening(&mut self, lede: &str) {
        let mut first = vec![lede.to_owned()];
        first.extend(self.facts(1));
        self.paragraph(&first);
        let known = self.facts(3);
        self.paragraph(&known);
        let mut quote = self.quote(false);
        quote.extend(self.general(1));
        self.paragraph(&quote);
    }

    fn middle(&mut self, length: Length) {
        self.heading();
        let mut background = self.general(1);
        background.extend(self.facts(2));
        self.paragraph(&background);
        if length > Length::Short && self.rng.chance(1, 2) {
            self.list();
        }
        if length == Length::Medium {
            let consequences = self.facts(2);
            self.paragraph(&consequences);
        }
        let mut reaction = self.quote(true);
        reaction.extend(self.general(1));
        reaction.extend(self.facts(1));
        self.paragraph(&reaction);
    }

    fn second_part(&mut self) {
        if self.rng.chance(2, 3) {
            self.blockquote();
        }
        self.heading();
        let mut detail = self.facts(2);
        detail.extend(self.general(1));
        self.paragraph(&detail);
        let mut last_word = self.quote(false);
        last_word.extend(self.facts(2));
        self.paragraph(&last_word);
    }

    /// Fills a template with figures of its own.
    fn sentence(&mut self, template: &str) -> String {
        self.scene.renew_figures(self.beat.pool("few"), self.rng);
        self.scene.sentence(template)
    }

    fn sentence_from(&mut self, pool: &str) -> String {
        let template = self.rng.text(self.beat.pool(pool));
        self.sentence(template)
    }

    fn facts(&mut self, count: usize) -> Vec<String> {
        let chosen: Vec<_> = self.facts.by_ref().take(count).collect();
        chosen.into_iter().map(|fact| self.sentence(fact)).collect()
    }

    fn general(&mut self, count: usize) -> Vec<String> {
        let chosen: Vec<_> = self.general.by_ref().take(count).collect();
        chosen.into_iter().map(|fact| self.sentence(fact)).collect()
    }

    /// Quotes a speaker: with name and role the first time, by the short name afterward.
    fn quote(&mut self, second: bool) -> Vec<String> {
        let Some(quote) = self.quotes.next() else { return Vec::new() };
        let [first_known, second_known] = &mut self.introduced;
        let known = if second { second_known } else { first_known };
        let who = if std::mem::replace(known, true) {
            self.scene.last_name(second).to_owned()
        } else {
            let mut forms = self.beat.pool("speakers").iter();
            let form = if second { forms.next_back() } else { forms.next() };
            self.scene.fill(form.copied().unwrap_or_default())
        };
        vec![self.sentence(&quote.replace("{who}", &who))]
    }

    fn heading(&mut self) {
        if let Some(head) = self.heads.next() {
            let head = self.sentence(head);
            self.element("h2", &head);
        }
    }

    fn list(&mut self) {
        let intro = self.sentence_from("intros");
        self.paragraph(&[intro]);
        let tag = if self.rng.chance(1, 3) { "ol" } else { "ul" };
        let count = usize::try_from(self.rng.between(3, 5)).unwrap_or(3);
        let mut items = String::new();
        for item in self.rng.shuffled(self.beat.pool("items")).iter().take(count) {
            items.push_str("<li>");
            items.push_str(&self.sentence(item));
            items.push_str("</li>");
        }
        self.element(tag, &items);
    }

    fn blockquote(&mut self) {
        let pull = self.sentence_from("pulls");
        let cite = self.rng.text(self.beat.pool("cites"));
        let cite = self.scene.fill(cite);
        self.element("blockquote", &format!("<p>{pull}</p><cite>{cite}</cite>"));
    }

    fn paragraph(&mut self, sentences: &[String]) {
        if !sentences.is_empty() {
            self.element("p", &sentences.join(" "));
        }
    }

    fn element(&mut self, tag: &str, content: &str) {
        for part in ["<", tag, ">", content, "</", tag, ">\n"] {
            self.html.push_str(part);
        }
    }
}
