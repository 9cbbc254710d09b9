/// A line of a report: a label, and what there is to say.
pub(crate) struct Row {
    label: String,
    text: String,
}

impl Row {
    /// Begins a part of the report.
    pub(crate) fn new(label: &str, text: impl Into<String>) -> Self {
        Self {
            label: label.to_owned(),
            text: text.into(),
        }
    }

    /// Says more in the part that has begun.
    pub(crate) fn below(label: &str, text: impl Into<String>) -> Self {
        Self::new(&format!(" {label}"), text)
    }

    pub(super) fn cells(&self) -> [&str; 2] {
        [&self.label, &self.text]
    }
}
