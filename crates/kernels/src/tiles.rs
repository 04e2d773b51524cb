//! AMX: products of 32 x 32 blocks on Intel's tile registers.
//!
//! The intrinsics are not stable in Rust, the instructions are plain assembly. Both element types read the same
//! layout: a tile is 16 rows of 64 bytes; a row of A holds 32 bf16 or 64 bytes along `k`, a row of B holds, for 16
//! outputs, two bf16 or four bytes that are neighbours along `k` (Intel SDM, volume 1, chapter 18).

use std::arch::asm;
use std::sync::OnceLock;

/// Bytes along `k` in one step: 32 bf16 or 64 int8 values.
pub(crate) const STEP_BYTES: usize = 64;

/// What the elements are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    /// bf16 x bf16, summed in f32.
    Bf16,
    /// u8 (activations) x i8 (weights), summed in i32.
    Int8,
}

/// Whether the processor has AMX for bf16 and int8 and the kernel lets this process use the tile registers.
pub(crate) fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| has_amx() && request_permission())
}

/// C (32 x 32, row stride 128 bytes) = A x B for one panel of 32 outputs.
///
/// `rows` is 16 or 32: with 16 only the upper half of C is computed.
///
/// # Safety
/// AMX must be [`available`]. `a` points to `rows` rows of `steps * 64` bytes, `a_stride` bytes apart; `panel` to
/// `steps * 2048` bytes; `c` to `rows * 128` writable bytes.
#[inline]
pub(crate) unsafe fn block(
    element: Element,
    a: *const u8,
    a_stride: usize,
    rows: usize,
    panel: *const u8,
    steps: usize,
    c: *mut u8,
) {
    macro_rules! product {
        ($instruction:literal) => {
            if rows > 16 {
                asm!(
                    "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
                    "2:",
                    "tileloadd tmm4, [{a0} + {lda}*1]",
                    "tileloadd tmm6, [{b} + {ldb}*1]",
                    "tileloadd tmm7, [{b} + {ldb}*1 + 64]",
                    concat!($instruction, " tmm0, tmm4, tmm6"),
                    concat!($instruction, " tmm1, tmm4, tmm7"),
                    "tileloadd tmm5, [{a1} + {lda}*1]",
                    concat!($instruction, " tmm2, tmm5, tmm6"),
                    concat!($instruction, " tmm3, tmm5, tmm7"),
                    "add {a0}, 64", "add {a1}, 64", "add {b}, 2048",
                    "dec {steps}", "jnz 2b",
                    "tilestored [{c} + {ldb}*1], tmm0",
                    "tilestored [{c} + {ldb}*1 + 64], tmm1",
                    "tilestored [{c} + {ldb}*1 + 2048], tmm2",
                    "tilestored [{c} + {ldb}*1 + 2112], tmm3",
                    a0 = inout(reg) a => _,
                    a1 = inout(reg) a.add(16 * a_stride) => _,
                    b = inout(reg) panel => _,
                    steps = inout(reg) steps => _,
                    lda = in(reg) a_stride,
                    ldb = in(reg) 128usize,
                    c = in(reg) c,
                    options(nostack),
                )
            } else {
                asm!(
                    "tilezero tmm0", "tilezero tmm1",
                    "2:",
                    "tileloadd tmm4, [{a0} + {lda}*1]",
                    "tileloadd tmm6, [{b} + {ldb}*1]",
                    "tileloadd tmm7, [{b} + {ldb}*1 + 64]",
                    concat!($instruction, " tmm0, tmm4, tmm6"),
                    concat!($instruction, " tmm1, tmm4, tmm7"),
                    "add {a0}, 64", "add {b}, 2048",
                    "dec {steps}", "jnz 2b",
                    "tilestored [{c} + {ldb}*1], tmm0",
                    "tilestored [{c} + {ldb}*1 + 64], tmm1",
                    a0 = inout(reg) a => _,
                    b = inout(reg) panel => _,
                    steps = inout(reg) steps => _,
                    lda = in(reg) a_stride,
                    ldb = in(reg) 128usize,
                    c = in(reg) c,
                    options(nostack),
                )
            }
        };
    }
    // SAFETY: the caller's contract; Rust never allocates tile registers, so clobbering them is invisible to it.
    unsafe {
        match element {
            Element::Bf16 => product!("tdpbf16ps"),
            Element::Int8 => product!("tdpbusd"),
        }
    }
}

/// C (32 x 32, in a matrix whose rows are `c_stride` bytes apart) = A x B, or += with `add`, in bf16; otherwise as [`block`]
/// for 32 rows. What goes straight to its place need not be copied there.
///
/// # Safety
/// As for [`block`]; `c` points to 32 rows of 128 bytes each, `c_stride` bytes apart, readable with `add`.
#[cfg(feature = "gradients")]
#[inline]
#[allow(clippy::too_many_arguments)]
pub(crate) unsafe fn block_in_place(
    a: *const u8,
    a_stride: usize,
    panel: *const u8,
    steps: usize,
    c: *mut u8,
    c_stride: usize,
    add: bool,
) {
    // SAFETY: the caller's contract; Rust never allocates tile registers, so clobbering them is invisible to it.
    unsafe {
        let below = c.add(16 * c_stride);
        if add {
            asm!(
                "tileloadd tmm0, [{c0} + {ldc}*1]",
                "tileloadd tmm1, [{c0} + {ldc}*1 + 64]",
                "tileloadd tmm2, [{c1} + {ldc}*1]",
                "tileloadd tmm3, [{c1} + {ldc}*1 + 64]",
                c0 = in(reg) c,
                c1 = in(reg) below,
                ldc = in(reg) c_stride,
                options(nostack, readonly),
            );
        } else {
            asm!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3", options(nostack, nomem));
        }
        asm!(
            "2:",
            "tileloadd tmm4, [{a0} + {lda}*1]",
            "tileloadd tmm6, [{b} + {ldb}*1]",
            "tileloadd tmm7, [{b} + {ldb}*1 + 64]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{a1} + {lda}*1]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {a0}, 64", "add {a1}, 64", "add {b}, 2048",
            "dec {steps}", "jnz 2b",
            "tilestored [{c0} + {ldc}*1], tmm0",
            "tilestored [{c0} + {ldc}*1 + 64], tmm1",
            "tilestored [{c1} + {ldc}*1], tmm2",
            "tilestored [{c1} + {ldc}*1 + 64], tmm3",
            a0 = inout(reg) a => _,
            a1 = inout(reg) a.add(16 * a_stride) => _,
            b = inout(reg) panel => _,
            steps = inout(reg) steps => _,
            lda = in(reg) a_stride,
            ldb = in(reg) 128usize,
            c0 = in(reg) c,
            c1 = in(reg) below,
            ldc = in(reg) c_stride,
            options(nostack),
        );
    }
}

/// Tiles configured for the current thread until dropped: all eight of 16 rows x 64 bytes.
pub(crate) struct Configured(());

impl Configured {
    /// # Safety
    /// AMX must be [`available`].
    pub(crate) unsafe fn new() -> Configured {
        #[repr(C, align(64))]
        struct Config {
            palette: u8,
            start_row: u8,
            reserved: [u8; 14],
            row_bytes: [u16; 16],
            rows: [u8; 16],
        }
        const CONFIG: Config = {
            let (mut row_bytes, mut rows) = ([0u16; 16], [0u8; 16]);
            let mut tile = 0;
            while tile < 8 {
                (row_bytes[tile], rows[tile]) = (64, 16);
                tile += 1;
            }
            Config { palette: 1, start_row: 0, reserved: [0; 14], row_bytes, rows }
        };
        // SAFETY: a valid configuration of palette 1 (SDM 18.4); the caller made sure AMX may be used.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &CONFIG, options(nostack, readonly)) };
        Configured(())
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        // SAFETY: a `Configured` exists only where AMX may be used. Releasing lets the kernel skip 8 KB of state when
        // it switches threads.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

fn has_amx() -> bool {
    let leaf = std::arch::x86_64::__cpuid_count(7, 0);
    let (bf16, tile, int8) = (1 << 22, 1 << 24, 1 << 25);
    leaf.edx & (bf16 | tile | int8) == bf16 | tile | int8
}

/// Linux grants the tile registers per process, on request (arch/x86/xstate documentation, `ARCH_REQ_XCOMP_PERM`).
#[cfg(target_os = "linux")]
fn request_permission() -> bool {
    const SYS_ARCH_PRCTL: isize = 158;
    const ARCH_REQ_XCOMP_PERM: usize = 0x1023;
    const XFEATURE_XTILEDATA: usize = 18;
    let mut result = SYS_ARCH_PRCTL;
    // SAFETY: a system call that touches no memory of ours; rcx and r11 are the registers `syscall` destroys.
    unsafe {
        asm!(
            "syscall",
            inout("rax") result,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result == 0
}

#[cfg(not(target_os = "linux"))]
fn request_permission() -> bool {
    false
}
