//! Which instructions this processor offers.

use std::fmt;
use std::sync::OnceLock;

/// An instruction set that this processor has: each level contains the ones before it.
///
/// A value is made by detection only, so that having one proves that its instructions may be run. Safe code cannot name a
/// set that the processor lacks:
///
/// ```compile_fail,E0423
/// let forged = vetted_kernels::Isa(5);
/// ```
///
/// ```compile_fail,E0599
/// let forged = vetted_kernels::Isa::Amx;
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Isa(Level);

/// What there is to detect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    /// Plain Rust that the compiler vectorizes for the target's baseline (SSE2 on x86-64, NEON on aarch64).
    Portable,
    /// AVX2 with FMA (Haswell, Zen).
    Avx2,
    /// AVX-512 F, BW, DQ and VL (Skylake-X).
    Avx512,
    /// `Avx512` with VNNI: int8 dot products (Ice Lake).
    Avx512Vnni,
    /// `Avx512Vnni` with BF16 dot products (Zen 4, Cooper Lake).
    Avx512Bf16,
    /// `Avx512Bf16` with AMX tiles for bf16 and int8 (Sapphire Rapids), on Linux.
    Amx,
}

impl Isa {
    /// The highest level of this processor, or the one named by the environment variable `VETTED_ISA` (`portable`,
    /// `avx2`, `avx512`, `avx512vnni`, `avx512bf16`, `amx`) where that is lower. Read once per process.
    pub fn detect() -> Isa {
        static DETECTED: OnceLock<Isa> = OnceLock::new();
        *DETECTED.get_or_init(|| {
            let wanted = std::env::var("VETTED_ISA").ok().and_then(|name| Level::from_name(&name));
            Isa(wanted.map_or(highest(), |level| level.min(highest())))
        })
    }

    /// Every level this processor can run, lowest first; what a test or a benchmark iterates over.
    pub fn available() -> impl Iterator<Item = Isa> {
        let highest = highest();
        Level::ALL.into_iter().map(|(level, _)| level).filter(move |level| *level <= highest).map(Isa)
    }

    /// What every processor can run: plain Rust, compiled for the target's baseline.
    pub fn portable() -> Isa {
        Isa(Level::Portable)
    }

    /// The level's name, as `VETTED_ISA` takes it.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether bf16 values are multiplied by one instruction; elsewhere as f32 values that were rounded to bf16.
    pub fn has_bf16(self) -> bool {
        self.has(Level::Avx512Bf16)
    }

    /// Whether int8 values are multiplied by one instruction (VNNI or AMX).
    pub fn has_int8(self) -> bool {
        self.has(Level::Avx512Vnni)
    }

    pub(crate) fn has(self, level: Level) -> bool {
        self.0 >= level
    }

    pub(crate) fn level(self) -> Level {
        self.0
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Isa({})", self.name())
    }
}

impl Level {
    const ALL: [(Level, &'static str); 6] = [
        (Level::Portable, "portable"),
        (Level::Avx2, "avx2"),
        (Level::Avx512, "avx512"),
        (Level::Avx512Vnni, "avx512vnni"),
        (Level::Avx512Bf16, "avx512bf16"),
        (Level::Amx, "amx"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(level, _)| *level == self).map_or("portable", |(_, name)| name)
    }

    fn from_name(name: &str) -> Option<Level> {
        Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(level, _)| *level)
    }
}

#[cfg(target_arch = "x86_64")]
fn highest() -> Level {
    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
        return Level::Portable;
    }
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    if !avx512 {
        Level::Avx2
    } else if !is_x86_feature_detected!("avx512vnni") {
        Level::Avx512
    } else if !is_x86_feature_detected!("avx512bf16") {
        Level::Avx512Vnni
    } else if !crate::tiles::available() {
        Level::Avx512Bf16
    } else {
        Level::Amx
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn highest() -> Level {
    Level::Portable
}

/// Defines `pub(crate) fn NAME(isa, args...)` that runs the inlined `BODY::<FMA>(args...)` compiled for the best
/// vector extension `isa` allows. `FMA` says whether `f32::mul_add` is one instruction there (it is a slow library
/// call where it is not).
macro_rules! for_each_isa {
    ($(#[$doc:meta])* $vis:vis fn $name:ident = $body:ident($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)?) => {
        $(#[$doc])*
        $vis fn $name(isa: crate::Isa, $($arg: $type),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $type),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512($($arg: $type),*) $(-> $ret)? {
                    $body::<true>($($arg),*)
                }
                if isa.has(crate::isa::Level::Avx512) {
                    // SAFETY: `isa` comes from detection, so the processor has these features.
                    return unsafe { avx512($($arg),*) };
                }
                if isa.has(crate::isa::Level::Avx2) {
                    // SAFETY: as above.
                    return unsafe { avx2($($arg),*) };
                }
            }
            let _ = isa;
            $body::<{ cfg!(target_arch = "aarch64") }>($($arg),*)
        }
    };
}
pub(crate) use for_each_isa;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for (level, name) in Level::ALL {
            assert_eq!(Level::from_name(name), Some(level));
            assert_eq!(level.name(), name);
        }
        assert_eq!(Level::from_name("mmx"), None);
    }

    #[test]
    fn portable_is_always_there_and_detection_is_among_the_available() {
        assert_eq!(Isa::available().next(), Some(Isa::portable()));
        assert!(Isa::available().any(|isa| isa == Isa::detect()));
    }
}
