//! What a caller says of the trace that its request belongs to (W3C Trace Context).
//!
//! It comes from anybody, so nothing of it is believed but its form, and little of it is kept. What is malformed counts as
//! nothing: a request is never refused for it.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The longest `tracestate` that is kept; more than this nobody has to pass on.
const LONGEST_STATE: usize = 512;

/// Reads `traceparent` and the values of `tracestate`; none, when it is not well-formed.
pub fn read<'a>(traceparent: &str, tracestate: impl Iterator<Item = &'a str>) -> Option<SpanContext> {
    let mut parts = traceparent.trim_matches([' ', '\t']).split('-');
    let mut part = |length: usize| parts.next().filter(|part| part.len() == length && part.bytes().all(is_digit));
    let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    // Versions to come may have more parts.
    if version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let state = tracestate.collect::<Vec<_>>().join(",");
    let state = Some(state).filter(|state| state.len() <= LONGEST_STATE).and_then(|state| state.parse().ok());
    let parent = SpanContext::new(trace, span, flags, true, state.unwrap_or_else(TraceState::default));
    parent.is_valid().then_some(parent)
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn parent(text: &str) -> Option<SpanContext> {
        read(text, std::iter::empty())
    }

    #[test]
    fn a_well_formed_caller_is_followed() {
        let found = parent(&format!("00-{TRACE}-b7ad6b7169203331-01")).unwrap();
        assert_eq!((found.trace_id().to_string().as_str(), found.is_sampled(), found.is_remote()), (TRACE, true, true));
        assert_eq!(found.span_id().to_string(), "b7ad6b7169203331");
        assert!(!parent(&format!("00-{TRACE}-b7ad6b7169203331-00")).unwrap().is_sampled());
        // What comes after a later version may say more.
        assert!(parent(&format!("cc-{TRACE}-b7ad6b7169203331-01-what-ever")).is_some());

        let state = ["a=1, b=2", "c=3"];
        let found = read(&format!("00-{TRACE}-b7ad6b7169203331-01"), state.into_iter()).unwrap();
        assert_eq!(found.trace_state().header(), "a=1,b=2,c=3");
        for useless in ["x".repeat(600), "no equals sign".to_owned()] {
            let found = read(&format!("00-{TRACE}-b7ad6b7169203331-01"), [useless.as_str()].into_iter()).unwrap();
            assert_eq!(found.trace_state().header(), "");
        }
    }

    #[test]
    fn what_is_malformed_counts_as_nothing() {
        for wrong in [
            "",
            "nonsense",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333g-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "+0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(parent(wrong).is_none(), "{wrong}");
        }
    }
}
