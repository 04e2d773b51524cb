//! Which instructions this processor offers.

use std::sync::OnceLock;

/// An instruction-set level, each containing the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
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
        static LEVEL: OnceLock<Isa> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let highest = probe();
            let wanted = std::env::var("VETTED_ISA").ok().and_then(|name| Isa::from_name(&name));
            wanted.map_or(highest, |isa| isa.min(highest))
        })
    }

    /// Every level this processor can run, lowest first; what a test or a benchmark iterates over.
    pub fn available() -> impl Iterator<Item = Isa> {
        let highest = probe();
        Self::ALL.into_iter().map(|(isa, _)| isa).filter(move |isa| *isa <= highest)
    }

    /// The level's name, as `VETTED_ISA` takes it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(isa, _)| *isa == self).map_or("portable", |(_, name)| name)
    }

    const ALL: [(Isa, &'static str); 6] = [
        (Isa::Portable, "portable"),
        (Isa::Avx2, "avx2"),
        (Isa::Avx512, "avx512"),
        (Isa::Avx512Vnni, "avx512vnni"),
        (Isa::Avx512Bf16, "avx512bf16"),
        (Isa::Amx, "amx"),
    ];

    fn from_name(name: &str) -> Option<Isa> {
        Self::ALL.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(isa, _)| *isa)
    }
}

#[cfg(target_arch = "x86_64")]
fn probe() -> Isa {
    if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
        return Isa::Portable;
    }
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    if !avx512 {
        Isa::Avx2
    } else if !is_x86_feature_detected!("avx512vnni") {
        Isa::Avx512
    } else if !is_x86_feature_detected!("avx512bf16") {
        Isa::Avx512Vnni
    } else if !crate::tiles::available() {
        Isa::Avx512Bf16
    } else {
        Isa::Amx
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn probe() -> Isa {
    Isa::Portable
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
                if isa >= crate::Isa::Avx512 {
                    // SAFETY: `isa` comes from detection, so the processor has these features.
                    return unsafe { avx512($($arg),*) };
                }
                if isa >= crate::Isa::Avx2 {
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
        for (isa, name) in Isa::ALL {
            assert_eq!(Isa::from_name(name), Some(isa));
            assert_eq!(isa.name(), name);
        }
        assert_eq!(Isa::from_name("mmx"), None);
    }

    #[test]
    fn portable_is_always_there_and_detection_is_among_the_available() {
        assert_eq!(Isa::available().next(), Some(Isa::Portable));
        assert!(Isa::available().any(|isa| isa == Isa::detect()));
    }
}
