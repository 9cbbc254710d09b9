//! Routes in files of their own.

use std::path::Path;

use super::*;

/// A directory that is gone when the test is.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = temp_dir().join(format!("gatekeeper-[included]-{}-{count}", process::id()));
        fs::create_dir_all(path.join("routes.d")).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn route(&self, name: &str, path: &str) {
        let upstream = "http://127.0.0.1:3000";
        let text = format!("[[routes]]\npath = \"{path}\"\nupstream = \"{upstream}\"\n");
        self.write(&format!("routes.d/{name}"), &text);
    }

    fn load(&self, include: &str) -> Result<Config, ConfigErrors> {
        self.write("gate.toml", &format!("include = {include}\n{GOOD}"));
        Config::load(Some(&self.0.join("gate.toml")), [])
    }

    fn errors(&self, include: &str) -> String {
        let errors = self.load(include).unwrap_err().to_string();
        errors.replace(&*self.0.to_string_lossy(), "DIR")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn paths(config: &Config) -> Vec<&str> {
    let routes = config.routes.iter();
    routes.map(|route| route.matches.path.as_str()).collect()
}

#[test]
fn they_come_after_those_of_the_file_in_the_order_of_their_names() {
    let directory = Directory::new();
    directory.route("20-wiki.toml", "/wiki");
    directory.route("10-git.toml", "/git");
    directory.write("routes.d/notes.txt", "not TOML");
    for include in [
        "[\"routes.d/*.toml\"]",
        "\"routes.d/*.toml\"",
        "[\"*/*-*.toml\"]",
    ] {
        let config = directory.load(include).unwrap();
        assert_eq!(paths(&config), ["/", "/git", "/wiki"], "{include}");
    }
    let twice = "[\"routes.d/20*\", \"routes.d/*.toml\"]";
    assert_eq!(
        paths(&directory.load(twice).unwrap()),
        ["/", "/git", "/wiki"]
    );
    assert_eq!(
        paths(&directory.load("[\"none.d/*.toml\"]").unwrap()),
        ["/"]
    );
}

#[test]
fn the_defaults_are_for_them_as_well() {
    let directory = Directory::new();
    directory.route("wiki.toml", "/wiki");
    let include = "\"routes.d/wiki.toml\"\n[route_defaults]\nbasic = true";
    let config = directory.load(include).unwrap();
    let basic = config.routes.iter().map(|route| route.basic);
    assert!(basic.eq([RouteBasic::Accept; 2]));
}

#[test]
fn a_mistake_is_told_with_its_file_and_line() {
    let directory = Directory::new();
    directory.route("a.toml", "/wiki");
    directory.route("b.toml", "wiki");
    let errors = directory.errors("[\"routes.d/*.toml\"]");
    assert!(
        errors.starts_with("DIR/routes.d/b.toml:2: routes[2].path: "),
        "{errors}"
    );

    directory.route("b.toml", "/wiki");
    let errors = directory.errors("[\"routes.d/*.toml\"]");
    assert!(
        errors.contains("DIR/routes.d/b.toml:"),
        "the same path twice: {errors}"
    );

    directory.write(
        "routes.d/b.toml",
        "[server]\nrealm = \"a\"\n[[routes]]\npath = \"/x\"\n",
    );
    let cannot = "cannot be here; an included file has [[routes]] alone";
    assert_eq!(
        directory.errors("[\"routes.d/*.toml\"]"),
        format!("DIR/routes.d/b.toml:1: server: {cannot}")
    );

    directory.write("routes.d/b.toml", "routes = 1\n[[routes\n");
    let errors = directory.errors("[\"routes.d/*.toml\"]");
    assert!(errors.starts_with("DIR/routes.d/b.toml:2: "), "{errors}");
}

#[test]
fn a_file_that_is_named_has_to_be_there() {
    let directory = Directory::new();
    assert_eq!(
        directory.errors("[\"routes.d/wiki.toml\"]"),
        "DIR/gate.toml:1: include[0]: there is no such file; create it, or drop it here"
    );
    let errors = directory.errors("[\"routes.d/***\"]");
    assert!(
        errors.starts_with("DIR/gate.toml:1: include[0]: not a pattern: "),
        "{errors}"
    );
    let errors = directory.errors("5");
    assert!(
        errors.contains("include: expected a string or an array"),
        "{errors}"
    );
}

#[test]
fn a_file_that_is_changed_or_new_is_seen() {
    let directory = Directory::new();
    directory.route("wiki.toml", "/wiki");
    let mut config = directory.load("[\"routes.d/*.toml\"]").unwrap();
    assert!(!config.files.have_changed());
    directory.route("git.toml", "/git");
    assert!(config.files.have_changed(), "a new one");
    directory.route("wiki.toml", "/other-wiki");
    assert!(config.files.have_changed(), "another text");
    assert!(!config.files.have_changed());
    fs::remove_file(directory.0.join("routes.d/wiki.toml")).unwrap();
    assert!(config.files.have_changed(), "one that is gone");
}

#[test]
fn what_is_parsed_and_no_file_looks_from_here() {
    let toml = format!(
        "include = \"{}\"\n{GOOD}",
        Path::new("Cargo.lock").display()
    );
    let errors = Config::parse(&toml, []).unwrap_err().to_string();
    assert!(errors.starts_with("Cargo.lock:"), "{errors}");
}
