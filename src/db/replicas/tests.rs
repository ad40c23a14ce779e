use super::*;

#[test]
fn a_lag_is_how_long_ago_the_primary_was_where_the_replica_is() {
    let (start, second) = (Moment::now(), Duration::from_secs(1));
    let mut trail = Trail::default();
    assert_eq!(trail.lag(0, start), Duration::ZERO);
    for (seconds, end) in [(0, 100), (1, 200), (2, 200), (3, 300)] {
        trail.note(start + second * seconds, end);
    }
    let lag = |replayed| trail.lag(replayed, start + second * 4).as_secs();

    assert_eq!([99, 100, 199, 200, 299, 300, 400].map(lag), [4, 3, 3, 1, 1, 0, 0]);

    // Another primary, whose log is shorter.
    trail.note(start + second * 5, 250);
    assert_eq!(trail.lag(240, start + second * 6), second);
    assert_eq!(trail.lag(250, start + second * 6), Duration::ZERO);
}

#[test]
fn no_replica_is_asked_for_what_it_may_not_have() {
    let (long, mut primary) = (Duration::from_secs(600), Primary::default());
    assert!(primary.sight(long).is_none(), "nothing has been seen yet");
    let see = |primary: &mut Primary| {
        let now = Instant::from_millis(0).unwrap();
        primary.sight = Some(Sight { asked_at: Moment::now(), answered_at: Moment::now(), now, log_end: 7 });
    };
    see(&mut primary);
    assert!(primary.sight(long).is_some());
    assert!(primary.sight(Duration::ZERO).is_none(), "it was seen too long ago");

    primary.outdated_at = Some(Moment::now());
    assert!(primary.sight(long).is_none(), "something was written since");
    see(&mut primary);
    assert!(primary.sight(long).is_some());

    primary.closed_from = Some(Moment::now() + long);
    assert!(primary.sight(long).is_some());
    primary.closed_from = Some(Moment::now());
    assert!(primary.sight(long).is_none(), "the clock does something");
}

#[test]
fn the_header_of_a_page_or_segment_is_not_waited_for() {
    let (page, segment) = (8192, 16 << 20);

    let ends =
        [segment + 40, segment + 24, page + 24, page + 40, page + 48, 3 * page].map(|at| before_header(at, segment));

    assert_eq!(ends, [segment, segment, page, page + 40, page + 48, 3 * page]);
}
