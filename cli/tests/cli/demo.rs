use crate::Place;

#[test]
fn the_tour_shows_what_it_promises() {
    let place = Place::new();
    let told = place
        .ctr("demo --once")
        .env("TMPDIR", place.path(""))
        .output()
        .unwrap();
    let words = String::from_utf8(told.stdout).unwrap();
    assert_eq!(
        told.status.code(),
        Some(0),
        "{words}{}",
        String::from_utf8_lossy(&told.stderr)
    );
    for step in 1..=7 {
        assert!(words.contains(&format!("{step}. ")), "{words}");
    }
    assert!(words.contains("router/unknown-model"), "{words}");
    let left: Vec<_> = std::fs::read_dir(place.path("")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_tour_that_cannot_be_shown_is_3() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = Place::new();
    let told = place
        .ctr("demo --once --port")
        .arg(taken.local_addr().unwrap().port().to_string())
        .env("TMPDIR", place.path(""))
        .output()
        .unwrap();
    assert_eq!(told.status.code(), Some(3));
    let words = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(words.contains("cannot listen on"), "{words}");
}
