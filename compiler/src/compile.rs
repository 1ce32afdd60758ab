//! Files → models: reads the tree, parses each file, checks the whole.

use globset::{GlobBuilder, GlobMatcher};

use crate::check::{Asked, Checked, File, Size, check};
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
    /// How large the spec is in each of these environments, models wanted or not.
    pub sizes: Vec<Size>,
    /// The spec files, the root file first, and the values from outside: what `render` reads again.
    pub(crate) files: Vec<FileId>,
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
        return Compilation {
            sources,
            diagnostics: found,
            models: Vec::new(),
            sizes: Vec::new(),
            files,
            variables,
        };
    };
    let mut spec = Spec::new(Span::new(root, 0..0));
    spec.incomplete = incomplete;
    let file = |id: &FileId| File { id: *id, is_leaf: *id != root && is_leaf(sources.text(*id)) };
    let tree: Vec<File> = files.iter().map(file).collect();
    for File { id, .. } in tree.iter().filter(|file| !file.is_leaf) {
        parse(&sources, *id, root, &mut spec, &mut found);
    }
    let asked = Asked { world, variables: &options.variables, environments: &options.environments, keep };
    let Checked { models, sizes, found } = check(&spec, &sources, &tree, found, &asked);
    drop(spec);
    Compilation { sources, diagnostics: found, models, sizes, files, variables }
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
        let patterns = include(&self.sources, root);
        let mut globs: Vec<(GlobMatcher, String, Option<Span>, bool)> = Vec::new();
        for (pattern, span) in patterns {
            match GlobBuilder::new(&pattern).literal_separator(true).build() {
                Ok(glob) => globs.push((glob.compile_matcher(), pattern, span, false)),
                Err(bad) => self.found.extend(span.map(|span| bad_glob(span, &bad))),
            }
        }
        let specs = match world.specs() {
            Ok(specs) => specs,
            Err(why) => return self.found.push(Fault::Files(Files::Unlisted { why: why.words() }).into()),
        };
        for path in
            specs.iter().filter(|path| path.as_str() != self.sources.path(root)).cloned().collect::<Vec<_>>()
        {
            let mut wanted = false;
            for (glob, _, _, fits) in globs.iter_mut().filter(|(glob, ..)| glob.is_match(&path)) {
                let _ = glob;
                (wanted, *fits) = (true, true);
            }
            if wanted {
                self.read(world, &path, false);
            }
        }
        for (_, pattern, span, _) in globs.into_iter().filter(|(.., fits)| !fits) {
            let fault = |span| Fault::Files(Files::NothingIncluded { span, pattern: pattern.into() }).into();
            self.found.extend(span.map(fault));
        }
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
