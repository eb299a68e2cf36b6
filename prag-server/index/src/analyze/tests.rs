#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::fixture::{pairs, rows};
use crate::{BuildParams, Segment, Tail};

fn terms(language: &str, text: &str) -> Vec<String> {
    let analyzed = Analyzer::of_language(language).unwrap().analyze(text);
    analyzed.terms().iter().map(|(term, _)| term.clone()).collect()
}

/// Each language has one name and one version, both lead to it, and who names none has English.
#[test]
fn names_and_versions_lead_to_one_analyzer() {
    let languages: Vec<&str> = Analyzer::languages().collect();
    assert_eq!(languages.len(), RULES.len());
    assert!(languages[..18].is_sorted() && languages.last() == Some(&"none"));
    for language in languages {
        let analyzer = Analyzer::of_language(language).unwrap();
        assert_eq!(analyzer.language(), language);
        assert_eq!(Analyzer::of_version(analyzer.version()), Some(analyzer));
        assert!(!analyzer.analyze("Straßenbahnen 1925").is_empty(), "{language}");
    }
    assert_eq!(Analyzer::of_version("english-stem-1"), Some(Analyzer::default()));
    assert_eq!(Analyzer::of_language("english"), Some(Analyzer::default()));
    for unknown in ["", "English", "klingon", "german-stem-1", "en"] {
        assert_eq!(Analyzer::of_language(unknown), None);
    }
    assert_eq!(Analyzer::of_version("english-stem-2"), None);
}

/// A language's own words stem to one term and its own stop words go; `none` leaves every word as it is.
#[test]
fn languages_stem_and_stop_by_their_own_rules() {
    assert_eq!(terms("german", "die Häuser und das Haus"), ["haus"]);
    assert_eq!(terms("english", "the houses and a house"), ["hous"]);
    assert_eq!(terms("french", "les chevaux dans le cheval"), ["cheval"]);
    assert_eq!(terms("none", "The Houses and a house"), ["the", "houses", "and", "a", "house"]);
    assert_eq!(terms("english", "die Häuser"), ["die", "häuser"]);
    let long = "x".repeat(TERM_BYTES_END);
    assert_eq!(terms("none", &format!("{long} {}", &long[1..])), [&long[1..]]);
}

/// Rows and queries of one language meet, in a tail and in a segment alike, and after the segment was stored.
#[test]
fn rows_and_queries_meet_in_their_language() {
    let analyzer = Analyzer::of_language("german").unwrap();
    let texts = ["Die Häuser am Fluss", "Ein Garten", "Das Haus"];
    let texts = texts.map(|text| (text.to_owned(), vec![1.0, 0.0]));
    let params = BuildParams { analyzer, ..BuildParams::default() };
    let built = Segment::build(&rows(&texts), &params).unwrap().segment;
    let segment = Segment::from_parts(&built.to_parts().unwrap()).unwrap();
    assert_eq!(segment.analyzer(), analyzer);
    let mut tail = Tail::new(2, analyzer);
    for row in rows(&texts) {
        tail.push(row).unwrap();
    }
    let query = tail.analyzer().analyze("des Hauses");
    let stats = segment.stats(&query, None).unwrap();
    assert!(stats == tail.stats(&query, None).unwrap());
    let everyone = (0..3).collect();
    let hits = segment.sparse(&query, &stats, &everyone, 9).unwrap();
    assert_eq!(hits.iter().map(|hit| hit.ordinal).collect::<Vec<_>>(), [2, 0]);
    assert_eq!(pairs(&hits), pairs(&tail.sparse(&query, &stats, &everyone, 9).unwrap()));
}
