//! Files → models: reads the tree, parses each file, checks the whole.

use globset::{GlobBuilder, GlobMatcher};

use crate::check::{Asked, Checked, File, check};
use crate::diagnostic::{Diagnostic, Fault, Files, Syntax, Values};
use crate::model::Model;
use crate::options::{Options, Root, Variable};
use crate::parse::{include, is_leaf, not_text, parse};
use crate::source::{FileId, SourceSet, Span};
use crate::spec::Spec;
use crate::world::{Unreadable, World};

/// The largest file that is read.
const LARGEST: usize = 64 << 20;

/// All that comes out of a compilation.
#[derive(Debug)]
pub struct Compilation {
    /// The texts that were read, the root file first.
    pub sources: SourceSet,
    /// What is wrong, in source order.
    pub diagnostics: Vec<Diagnostic>,
    /// One model for each environment that was asked for; none where there is an error.
    pub models: Vec<Model>,
    /// The same where every error is a circle of jobs: nothing to apply, but something to draw.
    pub cyclic: Vec<Model>,
    /// The spec files, the root file first, for `render` to read again.
    pub(crate) files: Vec<FileId>,
    /// The values from outside, for the same.
    pub(crate) variables: Vec<Variable>,
}

/// Compiles a spec tree.
pub fn compile(world: &dyn World, options: &Options) -> Compilation {
    run(world, options, true)
}

/// Finds what is wrong with a spec tree, and keeps no model: a fraction of the memory.
pub fn validate(world: &dyn World, options: &Options) -> Compilation {
    run(world, options, false)
}

fn run(world: &dyn World, options: &Options, keep: bool) -> Compilation {
    let mut reading = Reading::default();
    let root = reading.root(world, &options.root);
    let Reading { sources, files, mut found, incomplete } = reading;
    let variables = options.variables.clone();
    let Some(root) = root else {
        let (models, cyclic) = (Vec::new(), Vec::new());
        return Compilation { sources, diagnostics: found, models, cyclic, files, variables };
    };
    let mut spec = Spec::new(Span::new(root, 0..0));
    spec.incomplete = incomplete;
    let file = |id: &FileId| File { id: *id, is_leaf: *id != root && is_leaf(sources.text(*id)) };
    let tree: Vec<File> = files.iter().map(file).collect();
    for File { id, .. } in tree.iter().filter(|file| !file.is_leaf) {
        parse(&sources, *id, root, &mut spec, &mut found);
    }
    let asked = Asked { world, variables: &options.variables, environments: &options.environments, keep };
    let Checked { models, cyclic, found } = check(&spec, &sources, &tree, found, &asked);
    drop(spec);
    Compilation { sources, diagnostics: found, models, cyclic, files, variables }
}

/// Reads the files of a tree.
#[derive(Debug, Default)]
struct Reading {
    sources: SourceSet,
    files: Vec<FileId>,
    found: Vec<Diagnostic>,
    /// Whether a file is left out that belongs to the tree.
    incomplete: bool,
}

impl Reading {
    fn root(&mut self, world: &dyn World, root: &Root) -> Option<FileId> {
        match root {
            Root::File(path) => self.read(world, path, true),
            Root::Tree => {
                let root = self.read(world, "windlass.toml", true)?;
                self.included(world, root);
                Some(root)
            }
        }
    }

    fn included(&mut self, world: &dyn World, root: FileId) {
        let mut patterns = self.patterns(root);
        let specs = match world.specs() {
            Ok(specs) => specs,
            Err(why) => return self.found.push(Fault::Files(Files::Unlisted { why: why.words() }).into()),
        };
        for path in specs {
            if path != self.sources.path(root) && fits(&mut patterns, &path) {
                self.read(world, &path, false);
            }
        }
        for Pattern { text, span, .. } in patterns.into_iter().filter(|pattern| !pattern.used) {
            let nothing = |span| Fault::Files(Files::NothingIncluded { span, pattern: text.into() }).into();
            self.found.extend(span.map(nothing));
        }
    }

    fn patterns(&mut self, root: FileId) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for (text, span) in include(&self.sources, root) {
            match GlobBuilder::new(&text).literal_separator(true).build() {
                Ok(glob) => patterns.push(Pattern { glob: glob.compile_matcher(), text, span, used: false }),
                Err(bad) => self.found.extend(span.map(|span| bad_glob(span, &bad))),
            }
        }
        patterns
    }

    fn read(&mut self, world: &dyn World, path: &str, is_root: bool) -> Option<FileId> {
        let bytes = match world.read(path) {
            Ok(bytes) => bytes,
            Err(Unreadable::Missing) if is_root => {
                self.found.push(Fault::Files(Files::NoRoot { path: path.into() }).into());
                return None;
            }
            Err(why) => {
                let fault = Files::Unreadable { span: None, path: path.into(), why: why.words() };
                self.incomplete = true;
                self.found.push(Fault::Files(fault).into());
                return None;
            }
        };
        if bytes.len() > LARGEST {
            let file = self.sources.add(path, String::new());
            self.incomplete = true;
            let fault = Syntax::TooLarge { span: Span::new(file, 0..0), limit: LARGEST };
            self.found.push(Fault::Syntax(fault).into());
            return Some(file);
        }
        let file = match String::from_utf8(bytes) {
            Ok(text) => self.sources.add(path, text),
            Err(bad) => {
                let at = bad.utf8_error().valid_up_to();
                let file = self.sources.add(path, String::from_utf8_lossy(bad.as_bytes()).into_owned());
                self.found.push(not_text(Span::new(file, at..at + '\u{fffd}'.len_utf8())));
                file
            }
        };
        self.files.push(file);
        Some(file)
    }
}

/// A pattern of `include`; the default ones have no place.
#[derive(Debug)]
struct Pattern {
    glob: GlobMatcher,
    text: String,
    span: Option<Span>,
    used: bool,
}

/// Whether a path fits any pattern; every pattern that it fits counts as used.
fn fits(patterns: &mut [Pattern], path: &str) -> bool {
    let mut fits = false;
    for pattern in patterns.iter_mut().filter(|pattern| pattern.glob.is_match(path)) {
        pattern.used = true;
        fits = true;
    }
    fits
}

fn bad_glob(span: Span, bad: &globset::Error) -> Diagnostic {
    Fault::Values(Values::Glob { span, why: bad.kind().to_string().into() }).into()
}

impl Unreadable {
    fn words(&self) -> Box<str> {
        match self {
            Self::Missing => "there is no such file".into(),
            Self::Outside => "it lies outside of the tree".into(),
            Self::Other(why) => why.as_str().into(),
        }
    }
}
