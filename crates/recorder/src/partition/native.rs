//! Native buckets of schema 5 from 2^-20 s to 2^17 s: bucket `i` holds `(2^((i-1)/32), 2^(i/32)]`.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "what is cast has been bounded before"
)]

/// Buckets in an octave.
const OCTAVE: i32 = 32;
/// The bucket that ends at the zero threshold: everything up to here is the zero bucket's.
const ZERO: i32 = -20 * OCTAVE;
/// The bucket that ends at 2^17 s (36 hours). Longer times are counted in the next one.
const TOP: i32 = 17 * OCTAVE;
/// Rank of the last bucket; the zero bucket's is 0.
pub(super) const LAST_RANK: u16 = (TOP + 1 - ZERO) as u16;

const MANTISSA_BITS: u32 = 52;
const MANTISSA: u64 = (1 << MANTISSA_BITS) - 1;
const BIAS: i32 = 1023;
/// Slices of an octave so narrow that none holds two bounds.
const SLICES: usize = 512;
const SLICE_SHIFT: u32 = MANTISSA_BITS - SLICES.ilog2();

/// Mantissas of 2^(j/32), rounded down: what is above one of them is above the bound, since no
/// bound but the first is a number that an `f64` can be.
const BOUNDS: [u64; OCTAVE as usize] = [
    0x0_0000_0000_0000,
    0x0_59b0_d315_8574,
    0x0_b558_6cf9_890f,
    0x1_1301_d012_5b50,
    0x1_72b8_3c7d_517a,
    0x1_d487_3168_b9aa,
    0x2_387a_6e75_6238,
    0x2_9e9d_f51f_dee1,
    0x3_06fe_0a31_b715,
    0x3_71a7_373a_a9ca,
    0x3_dea6_4c12_3422,
    0x4_4e08_6061_892d,
    0x4_bfda_d536_2a27,
    0x5_342b_569d_4f81,
    0x5_ab07_dd48_5429,
    0x6_247e_b03a_5584,
    0x6_a09e_667f_3bcc,
    0x7_1f75_e8ec_5f73,
    0x7_a114_73eb_0186,
    0x8_2589_994c_ce12,
    0x8_ace5_422a_a0db,
    0x9_3737_b0cd_c5e4,
    0x9_c491_82a3_f090,
    0xa_5503_b23e_255c,
    0xa_e89f_995a_d3ad,
    0xb_7f76_f2fb_5e46,
    0xc_199b_dd85_529c,
    0xc_b720_dcef_9069,
    0xd_5818_dcfb_a487,
    0xd_fc97_337b_9b5e,
    0xe_a4af_a2a4_90d9,
    0xf_5076_5b6e_4540,
];

/// By slice: the first bound in the slice or above it, and how many lie below the slice.
static TABLE: [(u64, i32); SLICES] = table();

const fn table() -> [(u64, i32); SLICES] {
    let mut table = [(0, 0); SLICES];
    let mut below = 0;
    let mut slice = 0;
    while slice < SLICES {
        while below < BOUNDS.len() && BOUNDS[below] < (slice as u64) << SLICE_SHIFT {
            below += 1;
        }
        let next = if below < BOUNDS.len() { BOUNDS[below] } else { MANTISSA };
        table[slice] = (next, below as i32);
        slice += 1;
    }
    table
}

/// The rank of a time in seconds, which is finite and not negative (but may be -0).
#[inline]
pub(super) fn rank(seconds: f64) -> u16 {
    let bits = seconds.to_bits() & !(1 << 63);
    let mantissa = bits & MANTISSA;
    // Eleven bits: what is shifted out leaves far less than an `i32` holds.
    let exponent = (bits >> MANTISSA_BITS) as i32 - BIAS;
    let (bound, below) = TABLE[(mantissa >> SLICE_SHIFT) as usize & (SLICES - 1)];
    let bucket = exponent * OCTAVE + below + i32::from(mantissa > bound);
    (bucket.clamp(ZERO, TOP + 1) - ZERO) as u16
}

/// The bucket of a rank; `None` is the zero bucket.
pub(super) fn bucket(rank: u16) -> Option<i16> {
    (rank > 0).then_some((i32::from(rank) + ZERO) as i16)
}

/// The greatest time in seconds of a rank that is not the last.
pub(super) fn upper_bound(rank: u16) -> f64 {
    let bucket = i32::from(rank) + ZERO;
    let exponent = (bucket.div_euclid(OCTAVE) + BIAS) as u64;
    f64::from_bits(exponent << MANTISSA_BITS | BOUNDS[bucket.rem_euclid(OCTAVE) as usize])
}

/// The greatest time in seconds of the rank before this one, if there is one.
pub(super) fn upper_bound_of(rank: u16) -> Option<f64> {
    rank.checked_sub(1).map(upper_bound)
}
