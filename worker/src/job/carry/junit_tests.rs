//! What real programs write, shortened.

use super::*;

fn cases(text: &str) -> Vec<TestCase> {
    let mut cases = Vec::new();
    assert_eq!(read(text.as_bytes(), &mut cases), Ok(End::Whole));
    cases
}

fn shown(text: &str) -> Vec<String> {
    let each = |case: &TestCase| {
        let TestCase { suite, name, outcome, seconds, message } = case;
        format!("{suite} | {name} | {outcome:?} {seconds:?} | {message}")
    };
    cases(text).iter().map(each).collect()
}

#[test]
fn pytest() {
    let text = r#"<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest"
      errors="1" failures="1" skipped="1" tests="4" time="0.065" hostname="h">
      <testcase classname="tests.test_a" name="test_one" time="0.001" />
      <testcase classname="tests.test_a" name="test_two[&lt;a&gt;]" time="0.002"><failure
        message="assert 1 == 2">def test_two():
&gt;       assert 1 == 2
E       assert 1 == 2</failure></testcase>
      <testcase classname="tests.test_a" name="test_three" time="0.000"><skipped
        type="pytest.skip" message="not here">tests/test_a.py:9: not here</skipped></testcase>
      <testcase classname="tests.test_a" name="test_four" time="0.003"><error
        message="failed on setup with &quot;E&quot;">E</error></testcase>
      </testsuite></testsuites>"#;
    assert_eq!(
        shown(text),
        [
            "tests.test_a | test_one | Passed Some(0.001) | ",
            "tests.test_a | test_two[<a>] | Failed Some(0.002) | assert 1 == 2\ndef \
             test_two():\n>       assert 1 == 2\nE       assert 1 == 2",
            "tests.test_a | test_three | Skipped Some(0.0) | not here\ntests/test_a.py:9: not here",
            "tests.test_a | test_four | Errored Some(0.003) | failed on setup with \"E\"\nE",
        ]
    );
}

#[test]
fn surefire_with_tries_that_were_made_good() {
    let text = r#"<testsuite xmlns:xsi="x" name="com.acme.AppTest" time="1,234.5" tests="2">
      <properties><property name="java.version" value="17"/></properties>
      <testcase name="works" classname="com.acme.AppTest" time="1,234.5">
        <flakyFailure message="once" type="x"><stackTrace>at</stackTrace></flakyFailure>
        <system-out><![CDATA[a lot of <output>]]></system-out>
      </testcase>
      <testcase name="fails" classname="com.acme.AppTest" time="0">
        <failure type="java.lang.AssertionError"><![CDATA[java.lang.AssertionError: a < b
	at com.acme.AppTest.fails(AppTest.java:12)]]></failure>
        <rerunFailure message="again" type="x"/>
        <system-err>more</system-err>
      </testcase></testsuite>"#;
    assert_eq!(
        shown(text),
        [
            "com.acme.AppTest | works | Passed Some(1234.5) | ",
            "com.acme.AppTest | fails | Failed Some(0.0) | java.lang.AssertionError\n\
             java.lang.AssertionError: a < b\n\tat com.acme.AppTest.fails(AppTest.java:12)",
        ]
    );
}

#[test]
fn jest_and_go() {
    let jest = r#"<testsuites name="jest tests" tests="1"><testsuite name="src/a.test.js">
      <testcase classname="adds numbers" name="adds numbers" time="0.004"></testcase>
      </testsuite></testsuites>"#;
    assert_eq!(shown(jest), ["adds numbers | adds numbers | Passed Some(0.004) | "]);
    let go = r#"<testsuites tests="2" failures="1"><testsuite name="acme/pkg" id="0">
      <testcase name="TestOne" classname="acme/pkg" time="0.01"></testcase>
      <testcase name="TestTwo" time="0.02"><failure message="Failed"
        type=""><![CDATA[    x_test.go:7: no]]></failure></testcase>
      </testsuite></testsuites>"#;
    assert_eq!(
        shown(go),
        [
            "acme/pkg | TestOne | Passed Some(0.01) | ",
            "acme/pkg | TestTwo | Failed Some(0.02) | Failed\n    x_test.go:7: no",
        ]
    );
}

#[test]
fn suites_within_suites_give_their_name_to_what_has_none() {
    let text = r#"<testsuites><testsuite name="outer"><testsuite name="inner"><testcase name="a"/>
      </testsuite><testcase name="b"/><testsuite><testcase name="c"/></testsuite></testsuite>
      <testcase name="d" file="d.rb"/></testsuites>"#;
    let suites: Vec<String> = cases(text).into_iter().map(|case| case.suite).collect();
    assert_eq!(suites, ["inner", "outer", "outer", "d.rb"]);
}

#[test]
fn entities_of_the_file_are_never_expanded() {
    let text = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
      <!ENTITY file SYSTEM "file:///etc/passwd">]>
      <testsuite name="s"><testcase name="&b;&amp;"><failure message="&file;">&b;&#65;&lt;</failure>
      </testcase></testsuite>"#;
    assert_eq!(shown(text), ["s | &b;&amp; | Failed None | &file;\n&b;A<"]);
}

#[test]
fn what_is_broken_is_a_sentence_and_what_stands_before_it_is_kept() {
    let mut kept = Vec::new();
    let mut why = |text: &str| read(text.as_bytes(), &mut kept).expect_err("broken");
    assert_eq!(why(""), "it holds nothing");
    assert_eq!(why("no xml at all"), "it holds nothing");
    assert_eq!(
        why("<testsuite><testcase name='a'/>\n<testcase name='b'>"),
        "it ends in the middle"
    );
    let crossed = why("<testsuite>\n<testcase name='c'/>\n<a></b></testsuite>");
    assert!(crossed.starts_with("it is no XML in line 3 ("), "{crossed}");
    assert_eq!(why(&"<a>".repeat(101)), "its elements are more than 100 deep");
    let names: Vec<&str> = kept.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
}

#[test]
fn long_texts_and_strange_bytes_are_bounded() {
    let long = "ü".repeat(LONGEST_MESSAGE + 1);
    let text = format!(
        "\u{feff}<testsuite><testcase name='a\0' time='NaN'><error>{long}{long}</error></testcase>\
         </testsuite>"
    );
    let case = &cases(&text)[0];
    assert_eq!(case.message.chars().count(), LONGEST_MESSAGE + 1);
    assert_eq!((case.name.as_str(), case.seconds), ("a", None));
    let mut some = Vec::new();
    let odd = b"<testsuite><testcase name='\xff'/></testsuite>";
    assert_eq!(read(odd, &mut some), Ok(End::Whole));
    assert_eq!(some[0].name, "\u{fffd}");
    let many = format!("<testsuite>{}</testsuite>", "<testcase/>".repeat(MOST_CASES + 1));
    let mut all = Vec::new();
    assert_eq!(read(many.as_bytes(), &mut all), Ok(End::Cut));
    assert_eq!(all.len(), MOST_CASES);
}
