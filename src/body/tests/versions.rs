//! Diffs, merges and ids across versions of a body.

use std::collections::{BTreeSet, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{from_client, ids, without_ids};
use crate::body::{BlockChangeKind, BlockId, Body, ConflictReason, NoLinks, SpanKind};

/// Something that an editor does to a body; numbers are places, taken modulo what is there.
#[derive(Clone, Debug)]
enum Op {
    Insert(usize, String),
    Quote(usize, String),
    Remove(usize),
    Move(usize, usize),
    Rewrite(usize, String),
}

fn op() -> impl Strategy<Value = Op> {
    let text = "[a-e]{1,2}( [a-e]{1,2}){0,4}";
    prop_oneof![
        (any::<usize>(), text).prop_map(|(at, text)| Op::Insert(at, text)),
        (any::<usize>(), text).prop_map(|(at, text)| Op::Quote(at, text)),
        any::<usize>().prop_map(Op::Remove),
        (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Op::Move(from, to)),
        (any::<usize>(), text).prop_map(|(at, text)| Op::Rewrite(at, text)),
    ]
}

fn paragraph(id: &str, text: &str) -> Value {
    json!({"type": "paragraph", "id": id, "content": [{"type": "text", "text": text}]})
}

fn body(blocks: &[(&str, &str)]) -> Body {
    from_client(blocks.iter().map(|(id, text)| paragraph(id, text)).collect()).unwrap()
}

/// Does the operations; what they make is named after `who`.
fn edited(body: &Body, ops: &[Op], who: &str) -> Body {
    let mut blocks: Vec<Value> = serde_json::to_value(body).unwrap().as_array().unwrap().clone();
    for (number, op) in ops.iter().enumerate() {
        let len = blocks.len();
        match op {
            Op::Insert(at, text) => blocks.insert(at % (len + 1), paragraph(&format!("{who}{number}"), text)),
            Op::Quote(at, text) => {
                let parts = [json!({"type": "paragraph", "content": [{"type": "text", "text": text}]})];
                blocks.insert(
                    at % (len + 1),
                    json!({"type": "quote", "id": format!("{who}{number}"), "content": parts, "citation": null}),
                );
            }
            _ if len == 0 => {}
            Op::Remove(at) => drop(blocks.remove(at % len)),
            Op::Move(from, to) => {
                let block = blocks.remove(from % len);
                blocks.insert(to % len, block);
            }
            Op::Rewrite(at, text) => {
                let id = blocks[at % len]["id"].as_str().unwrap().to_owned();
                blocks[at % len] = paragraph(&id, &format!("{text} {who}"));
            }
        }
    }
    from_client(Value::Array(blocks)).unwrap()
}

fn base() -> impl Strategy<Value = Body> {
    vec(op(), 0..12).prop_map(|ops| edited(&Body::default(), &ops, "base"))
}

fn top(body: &Body) -> Vec<&str> {
    body.blocks().iter().map(|block| block.id().as_str()).collect()
}

/// Does to a body what a diff says.
fn patched(old: &Body, new: &Body) -> Body {
    let mut blocks = old.blocks().to_vec();
    let changes = old.diff(new);
    let gone = |id: &BlockId| {
        changes.iter().any(|c| c.id == *id && matches!(c.change, BlockChangeKind::Removed | BlockChangeKind::Moved))
    };
    let aside: Vec<_> = blocks.iter().filter(|block| gone(block.id())).cloned().collect();
    blocks.retain(|block| !gone(block.id()));
    for change in &changes {
        let place = change.after.as_ref().map_or(0, |after| {
            blocks.iter().position(|block| block.id() == after).expect("the block before it stands there") + 1
        });
        match change.change {
            BlockChangeKind::Removed => {}
            BlockChangeKind::Added => blocks.insert(place, change.to.clone().unwrap()),
            BlockChangeKind::Moved => {
                blocks.insert(place, aside.iter().find(|block| *block.id() == change.id).unwrap().clone());
            }
            BlockChangeKind::Changed => {
                let at = blocks.iter().position(|block| *block.id() == change.id).unwrap();
                assert_eq!(Some(&blocks[at]), change.from.as_ref());
                blocks[at] = change.to.clone().unwrap();
            }
        }
    }
    Body(blocks)
}

proptest! {
    #[test]
    fn what_a_diff_says_leads_to_the_new_body(base in base(), ops in vec(op(), 0..8)) {
        let new = edited(&base, &ops, "new");

        prop_assert_eq!(patched(&base, &new), new.clone());
        prop_assert_eq!(patched(&new, &base), base.clone());
        prop_assert_eq!(base.diff(&new).is_empty(), base == new);
        prop_assert!(base.diff(&base).is_empty());
    }

    #[test]
    fn who_edits_alone_gets_what_they_wrote(base in base(), ops in vec(op(), 0..8)) {
        let new = edited(&base, &ops, "new");

        prop_assert_eq!(base.merge(&new, &base), Ok(new.clone()));
        prop_assert_eq!(base.merge(&base, &new), Ok(new.clone()));
        prop_assert_eq!(base.merge(&new, &new), Ok(new.clone()));
    }

    #[test]
    fn a_merge_loses_nothing_in_silence(base in base(), a in vec(op(), 0..6), b in vec(op(), 0..6)) {
        let (yours, theirs) = (edited(&base, &a, "a"), edited(&base, &b, "b"));
        let by_id = |body: &Body, id: &str| body.blocks().iter().find(|block| block.id().as_str() == id).cloned();

        match base.merge(&yours, &theirs) {
            Err(conflicts) => {
                prop_assert!(!conflicts.is_empty());
                for conflict in conflicts {
                    let id = conflict.id.as_str();
                    prop_assert_eq!(&conflict.base, &by_id(&base, id));
                    prop_assert!(conflict.yours != conflict.base || conflict.reason == ConflictReason::Place);
                    prop_assert!(conflict.theirs != conflict.base || conflict.reason == ConflictReason::Place);
                }
            }
            Ok(merged) => {
                let all = ids(&merged);
                prop_assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "ids are unique");
                for id in top(&base).into_iter().chain(top(&yours)).chain(top(&theirs)) {
                    let [was, a, b, is] = [&base, &yours, &theirs, &merged].map(|body| by_id(body, id));
                    let expected = if a == was { b } else { a };
                    prop_assert_eq!(expected.map(|block| block.text()), is.map(|block| block.text()), "{}", id);
                }
                // The other way round the same blocks say the same.
                let other = base.merge(&theirs, &yours).unwrap();
                prop_assert_eq!(top(&merged).into_iter().collect::<BTreeSet<_>>(), top(&other).into_iter().collect());
            }
        }
    }

    #[test]
    fn edits_of_different_blocks_always_merge(n in 2_usize..20, a in vec(0_usize..20, 0..6), b in vec(0_usize..20, 0..6)) {
        let names: Vec<String> = (0..n).map(|number| format!("p{number}")).collect();
        let blocks: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "text")).collect();
        let base = body(&blocks);
        let rewritten = |places: &[usize], rest: usize, who: &str| {
            let ops: Vec<Op> =
                places.iter().map(|at| at % n).filter(|at| at % 2 == rest).map(|at| Op::Rewrite(at, "new".to_owned())).collect();
            edited(&base, &ops, who)
        };
        let (yours, theirs) = (rewritten(&a, 0, "yours"), rewritten(&b, 1, "theirs"));

        let merged = base.merge(&yours, &theirs).unwrap();

        prop_assert_eq!(base.merge(&theirs, &yours), Ok(merged.clone()));
        for ((is, yours), theirs) in merged.blocks().iter().zip(yours.blocks()).zip(theirs.blocks()) {
            prop_assert!(is == yours || is == theirs);
            prop_assert!(!yours.text().ends_with("yours") || is == yours);
            prop_assert!(!theirs.text().ends_with("theirs") || is == theirs);
        }
    }

    #[test]
    fn ids_survive_html(base in base(), ops in vec(op(), 0..6)) {
        let new = edited(&base, &ops, "new");
        let sent = Body::from_html(&new.to_html(&NoLinks)).body;

        let read = sent.clone().adopt_ids(&base);

        prop_assert_eq!(without_ids(&read), without_ids(&sent));
        let all = ids(&read);
        prop_assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "ids are unique");
        prop_assert_eq!(Body::from_html(&base.to_html(&NoLinks)).body.adopt_ids(&base), base);
    }
}

#[test]
fn a_diff_names_what_was_added_removed_moved_and_changed() {
    let old = body(&[("a", "Alpha"), ("b", "The pier opened in 1951."), ("c", "Gamma"), ("d", "Delta")]);
    let new = body(&[("d", "Delta"), ("a", "Alpha"), ("b", "The pier opened in 1961."), ("e", "Epsilon")]);

    let said: Vec<_> =
        old.diff(&new).into_iter().map(|c| (c.change, c.id.to_string(), c.after.map(|id| id.to_string()))).collect();

    assert_eq!(
        said,
        [
            (BlockChangeKind::Removed, "c".to_owned(), None),
            (BlockChangeKind::Moved, "d".to_owned(), None),
            (BlockChangeKind::Changed, "b".to_owned(), None),
            (BlockChangeKind::Added, "e".to_owned(), Some("b".to_owned())),
        ]
    );
    let changed = old.diff(&new).into_iter().find(|change| change.change == BlockChangeKind::Changed).unwrap();
    let words: Vec<_> =
        changed.text.iter().filter(|span| span.kind != SpanKind::Equal).map(|span| span.text.as_str()).collect();
    assert_eq!(words, ["1951", "1961"]);
}

#[test]
fn both_sides_may_add_at_the_same_place_and_what_is_there_comes_first() {
    let base = body(&[("a", "A")]);
    let yours = body(&[("a", "A"), ("y", "Yours")]);
    let theirs = body(&[("a", "A"), ("t", "Theirs"), ("u", "Theirs too")]);

    assert_eq!(top(&base.merge(&yours, &theirs).unwrap()), ["a", "t", "u", "y"]);
}

#[test]
fn moves_insertions_and_removals_of_two_sides_go_together() {
    let base = body(&[("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]);
    let yours = body(&[("d", "D"), ("a", "A"), ("b", "B"), ("y", "Y"), ("c", "C")]);
    let theirs = body(&[("t", "T"), ("a", "A"), ("c", "C changed"), ("d", "D changed")]);

    let merged = base.merge(&yours, &theirs).unwrap();

    assert_eq!(top(&merged), ["t", "d", "a", "y", "c"]);
    assert_eq!(merged.blocks()[1].text(), "D changed");
}

#[test]
fn the_same_block_changed_twice_removed_and_changed_or_put_in_two_places_is_a_conflict() {
    let base = body(&[("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]);
    let reasons = |yours: &Body, theirs: &Body| -> Vec<(String, ConflictReason)> {
        base.merge(yours, theirs).unwrap_err().into_iter().map(|c| (c.id.to_string(), c.reason)).collect()
    };
    let one = body(&[("a", "A1"), ("b", "B"), ("c", "C"), ("d", "D")]);
    let two = body(&[("a", "A2"), ("b", "B"), ("c", "C"), ("d", "D")]);
    let without = body(&[("b", "B"), ("c", "C"), ("d", "D")]);
    let at_end = body(&[("b", "B"), ("c", "C"), ("d", "D"), ("a", "A")]);
    let elsewhere = body(&[("b", "B"), ("c", "C"), ("a", "A"), ("d", "D")]);

    let content = [("a".to_owned(), ConflictReason::Content)];
    assert_eq!(reasons(&one, &two), content);
    assert_eq!(reasons(&one, &without), content);
    assert_eq!(reasons(&without, &one), content);
    assert_eq!(reasons(&at_end, &elsewhere), [("a".to_owned(), ConflictReason::Place)]);
}

#[test]
fn a_paragraph_that_is_edited_in_html_keeps_its_id() {
    let old = Body::from_html("<p>Alpha.</p><p>The pier opened in 1951.</p><p>Gamma.</p>").body;
    let adopted = |html: &str, old: &Body| Body::from_html(html).body.adopt_ids(old);

    let edited = adopted("<p>Alpha.</p><p>The pier opened in 1961.</p><p>Gamma.</p>", &old);
    assert_eq!(top(&edited), top(&old));
    // Also when it is sent again, and when its neighbor is new, gone or elsewhere.
    assert_eq!(adopted(&edited.to_html(&NoLinks), &edited), edited);
    let more = adopted("<p>Alpha.</p><p>Quite new.</p><p>The pier has opened in 1961.</p><p>Gamma.</p>", &edited);
    assert_eq!((top(&more)[0], top(&more)[2], top(&more)[3]), (top(&old)[0], top(&old)[1], top(&old)[2]));
    let moved = adopted("<p>Gamma.</p><p>The pier opened in 1961.</p>", &edited);
    assert_eq!(top(&moved), [top(&old)[2], top(&old)[1]]);
    // A heading is not the paragraph that stood there.
    let heading = adopted("<p>Alpha.</p><h2>The pier</h2><p>Gamma.</p>", &edited);
    assert!(!top(&old).contains(&top(&heading)[1]));
    // The former text of a block does not take the block's id away.
    let former =
        adopted("<p>Alpha.</p><p>The pier opened in 1961.</p><p>The pier opened in 1951.</p><p>Gamma.</p>", &edited);
    assert_eq!((top(&former)[1], top(&former).len()), (top(&old)[1], 4));
    assert_ne!(top(&former)[1], top(&former)[2]);
}

#[test]
fn a_quote_that_comes_to_another_body_does_not_bring_a_second_id() {
    let quote = |id: &str| {
        json!({"type": "quote", "id": id, "citation": null,
        "content": [{"type": "paragraph", "id": "same", "content": [{"type": "text", "text": "Said."}]}]})
    };
    let base = from_client(json!([paragraph("a", "A")])).unwrap();
    let yours = from_client(json!([quote("q"), paragraph("a", "A")])).unwrap();
    let theirs = from_client(json!([paragraph("a", "A"), paragraph("same", "Same")])).unwrap();

    let merged = base.merge(&yours, &theirs).unwrap();

    let all = ids(&merged);
    assert_eq!((all.len(), all.iter().collect::<HashSet<_>>().len()), (4, 4), "{all:?}");
    assert_eq!(top(&merged), ["q", "a", "same"]);
}

#[test]
fn no_two_blocks_adopt_the_same_id_where_blocks_have_moved() {
    let old = Body::from_html("<p>a<p>b<p>the middle<p>c<p>d").body;

    let new = Body::from_html("<p>a<p>the one<p>c<p>b<p>the other<p>d").body.adopt_ids(&old);

    let ids = ids(&new);
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 6, "{ids:?}");
}

#[test]
fn blocks_that_were_shuffled_and_rewritten_by_the_thousand_keep_their_ids() {
    let paragraph = |n: usize| format!("<p>paragraph {n}");
    let old = Body::from_html(&(0..9000).map(paragraph).collect::<String>()).body;
    let mixed = (0..3000).map(|n| format!("{}<p>new {n}{}", paragraph(n), paragraph(6000 + n))).collect::<String>();

    let new = Body::from_html(&mixed).body.adopt_ids(&old);

    let ids = ids(&new);
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 9000);
    assert!((0..9000).step_by(3).all(|n| new.blocks()[n].id() == old.blocks()[n / 3].id()));
}
