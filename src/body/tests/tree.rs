//! What a browser makes of HTML: the tree that html5ever's tree builder builds, which the reader does not use.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::{Rc, Weak};

use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::{Attribute, ExpandedName, ParseOpts, QualName, local_name, ns, parse_fragment};

pub(super) type Handle = Rc<Node>;

/// An element, a text, or something that has neither name nor text.
pub(super) struct Node {
    pub(super) name: QualName,
    pub(super) text: RefCell<Option<String>>,
    pub(super) attributes: RefCell<Vec<(String, String)>>,
    pub(super) children: RefCell<Vec<Handle>>,
    parent: RefCell<Weak<Node>>,
    template: RefCell<Option<Handle>>,
}

fn node(name: QualName, text: Option<String>) -> Handle {
    Rc::new(Node {
        name,
        text: RefCell::new(text),
        attributes: RefCell::default(),
        children: RefCell::default(),
        parent: RefCell::default(),
        template: RefCell::default(),
    })
}

fn named(name: &str) -> QualName {
    QualName::new(None, ns!(html), name.into())
}

struct Sink {
    document: Handle,
}

impl Sink {
    /// Puts a node among the children of another, and joins it with a text before it.
    fn put(parent: &Handle, at: usize, child: NodeOrText<Handle>) {
        let mut children = parent.children.borrow_mut();
        let child = match child {
            NodeOrText::AppendNode(child) => child,
            NodeOrText::AppendText(text) => {
                if let Some(before) = at.checked_sub(1).and_then(|at| children.get(at))
                    && let Some(before) = before.text.borrow_mut().as_mut()
                {
                    return before.push_str(&text);
                }
                node(named("#text"), Some(text.to_string()))
            }
        };
        *child.parent.borrow_mut() = Rc::downgrade(parent);
        children.insert(at, child);
    }

    fn place(child: &Handle) -> Option<(Handle, usize)> {
        let parent = child.parent.borrow().upgrade()?;
        let at = parent.children.borrow().iter().position(|known| Rc::ptr_eq(known, child))?;
        Some((parent, at))
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Handle;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Handle {
        self.document
    }
    fn parse_error(&self, _: Cow<'static, str>) {}
    fn get_document(&self) -> Handle {
        Rc::clone(&self.document)
    }
    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }
    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, _: ElementFlags) -> Handle {
        let is_template = name.expanded() == named("template").expanded();
        let element = node(name, None);
        self.add_attrs_if_missing(&element, attrs);
        *element.template.borrow_mut() = is_template.then(|| node(named("#template"), None));
        element
    }
    fn create_comment(&self, _: StrTendril) -> Handle {
        node(named("#comment"), None)
    }
    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        node(named("#instruction"), None)
    }
    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        let at = parent.children.borrow().len();
        Self::put(parent, at, child);
    }
    fn append_based_on_parent_node(&self, element: &Handle, before: &Handle, child: NodeOrText<Handle>) {
        if Self::place(element).is_some() {
            self.append_before_sibling(element, child);
        } else {
            self.append(before, child);
        }
    }
    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}
    fn get_template_contents(&self, target: &Handle) -> Handle {
        target.template.borrow().clone().expect("a template has contents")
    }
    fn same_node(&self, x: &Handle, y: &Handle) -> bool {
        Rc::ptr_eq(x, y)
    }
    fn set_quirks_mode(&self, _: QuirksMode) {}
    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        if let NodeOrText::AppendNode(child) = &child {
            self.remove_from_parent(child);
        }
        if let Some((parent, at)) = Self::place(sibling) {
            Self::put(&parent, at, child);
        }
    }
    fn add_attrs_if_missing(&self, target: &Handle, attrs: Vec<Attribute>) {
        let mut known = target.attributes.borrow_mut();
        for Attribute { name, value } in attrs {
            let name = name.local.to_string();
            if !known.iter().any(|(other, _)| *other == name) {
                known.push((name, value.to_string()));
            }
        }
    }
    fn remove_from_parent(&self, target: &Handle) {
        if let Some((parent, at)) = Self::place(target) {
            parent.children.borrow_mut().remove(at);
        }
        *target.parent.borrow_mut() = Weak::new();
    }
    fn reparent_children(&self, from: &Handle, to: &Handle) {
        for child in from.children.take() {
            *child.parent.borrow_mut() = Rc::downgrade(to);
            to.children.borrow_mut().push(child);
        }
    }
}

/// Parses HTML as the content of a `div`, with scripts as in browsers or without.
pub(super) fn parse(html: &str, with_scripts: bool) -> Handle {
    let context = QualName::new(None, ns!(html), local_name!("div"));
    let sink = Sink { document: node(named("#document"), None) };
    let mut options = ParseOpts::default();
    options.tree_builder.scripting_enabled = with_scripts;
    parse_fragment(sink, options, context, Vec::new(), with_scripts).one(html)
}

/// Visits all elements of a tree.
pub(super) fn visit(node: &Handle, visitor: &mut impl FnMut(&Handle)) {
    if !node.name.local.starts_with('#') {
        visitor(node);
    }
    node.children.borrow().iter().for_each(|child| visit(child, visitor));
}

/// Writes what is inside a node, as the HTML standard has it for `innerHTML`.
pub(super) fn serialize(node: &Handle, out: &mut String) {
    const VOID: [&str; 3] = ["br", "hr", "img"];
    for child in node.children.borrow().iter() {
        if let Some(text) = child.text.borrow().as_deref() {
            out.push_str(&escape(text).replace('<', "&lt;").replace('>', "&gt;"));
            continue;
        }
        let name = &child.name.local;
        // A fragment's root, of which nobody sees anything.
        let is_seen = child.parent.borrow().upgrade().is_some_and(|parent| &*parent.name.local != "#document");
        if is_seen {
            out.push_str(&format!("<{name}"));
            for (name, value) in child.attributes.borrow().iter() {
                out.push_str(&format!(" {name}=\"{}\"", escape(value).replace('"', "&quot;")));
            }
            out.push('>');
        }
        serialize(child, out);
        if is_seen && !VOID.contains(&&**name) {
            out.push_str(&format!("</{name}>"));
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('\u{a0}', "&nbsp;")
}
