//! The alerts that are packaged: about metrics that there are, and raised when they should be.

use std::collections::BTreeSet;

use super::*;

const RULES: &str = include_str!("../../../packaging/prometheus/rules.yml");

/// What stands in the text behind a prefix, as far as it is a name.
fn names<'t>(text: &'t str, prefix: &str) -> BTreeSet<&'t str> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let behind = text.split(prefix).skip(1);
    let names = behind.map(|rest| rest.split(|c| !is_name(c)).next().unwrap_or_default());
    names.collect()
}

/// The labels that selections and sums are by.
fn labels(rules: &str) -> BTreeSet<&str> {
    let selected = rules
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'));
    let selected = selected.flat_map(|(inside, _)| inside.split(','));
    let selected = selected.filter_map(|pair| Some(pair.split_once("=\"")?.0.trim()));
    let summed = rules
        .split("by (")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'));
    let summed = summed.flat_map(|(inside, _)| inside.split(','));
    selected.chain(summed.map(str::trim)).collect()
}

#[tokio::test]
async fn alerts_are_about_metrics_and_labels_that_there_are() {
    let directory = crate::tls::Directory::new();
    directory.write(&crate::tls::pair());
    let upstream = Upstream::start().await;
    let routes = route("/", upstream.address, "");
    let gate = Gate::start_with(&routes, Some(directory.tls())).await;
    let text = scrape(&mut gate.admin().await).await;
    let there: BTreeSet<_> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix(PREFIX)?.split(['{', ' ']).next())
        .collect();
    let used = names(RULES, PREFIX);
    assert!(used.len() > 8, "{used:?}");
    let unknown: Vec<_> = used.difference(&there).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not in {there:?}");
    let selections = selections(RULES);
    assert!(selections.len() > 4, "{selections:?}");
    for selection in &selections {
        assert!(has_series(&text, selection), "{selection:?} in {text}");
    }
    // What Prometheus itself adds.
    for label in labels(RULES).difference(&["job", "instance"].into()) {
        assert!(text.contains(&format!("{label}=\"")), "{label} in {text}");
    }
}

/// The selections in the rules, as `name{label="value",...}`, each with its name and its pairs.
fn selections(rules: &str) -> Vec<(&str, Vec<&str>)> {
    let behind = rules.split(PREFIX).skip(1);
    let selected = behind.filter_map(|rest| rest.split_once('}')?.0.split_once('{'));
    let selected = selected.filter(|(name, _)| !name.contains(char::is_whitespace));
    selected
        .map(|(name, pairs)| (name, pairs.split(',').map(str::trim).collect()))
        .collect()
}

/// Tells whether a metric has a series with these labels and values.
fn has_series(text: &str, (name, pairs): &(&str, Vec<&str>)) -> bool {
    let begin = format!("{PREFIX}{name}{{");
    let mut series = text.lines().filter(|line| line.starts_with(&begin));
    series.any(|line| pairs.iter().all(|pair| line.contains(pair)))
}

#[test]
fn a_name_that_there_is_not_would_be_found() {
    let rule = "expr: sum by (job, route) (rate(ghes_gatekeeper_made_up{kind=\"x\"}[5m]))";
    assert_eq!(names(rule, PREFIX), ["made_up"].into());
    assert_eq!(labels(rule), ["job", "kind", "route"].into());
    assert_eq!(selections(rule), [("made_up", vec!["kind=\"x\""])]);
    let text = "ghes_gatekeeper_made_up{kind=\"y\"} 1\nghes_gatekeeper_other{kind=\"x\"} 1\n";
    assert!(
        !has_series(text, &selections(rule)[0]),
        "another value, or another metric"
    );
    assert!(has_series(&text.replace('y', "x"), &selections(rule)[0]));
}

/// Prometheus's own tool raises each alert in its case, and not beside it.
#[tokio::test]
async fn promtool_raises_each_alert_in_its_case() {
    let tests = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/packaging/prometheus/rules_test.yml"
    );
    let tested = Command::new("promtool")
        .args(["test", "rules", tests])
        .output()
        .await;
    let Ok(tested) = tested else {
        let reason = "promtool is not installed";
        assert!(env::var_os("CI").is_none(), "must not be skipped: {reason}");
        println!("skipped: {reason}");
        return;
    };
    let said = [tested.stdout, tested.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(tested.status.success(), "{said}");
    for alert in names_of_alerts() {
        let cases = include_str!("../../../packaging/prometheus/rules_test.yml");
        let raised = cases.split("alertname: ").filter(|case| {
            let own = case.starts_with(&format!("{alert}\n"));
            own && case.contains("exp_alerts")
        });
        assert!(raised.count() > 0, "{alert} is raised in no case");
    }
}

fn names_of_alerts() -> impl Iterator<Item = &'static str> {
    RULES
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
}
