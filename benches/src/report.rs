//! Rounds, medians and the printed line.

use std::time::Duration;

use crate::Outcome;

/// What is held against what.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// Its name.
    pub name: &'a str,
    /// The unit of both figures.
    pub unit: &'a str,
    /// The least ratio of ours to the floor; `None` where none is promised.
    pub budget: Option<f64>,
}

/// How long and how often to measure, from the command line: `cargo bench … -- [rounds [seconds [case]]]`.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Rounds of each case.
    pub rounds: usize,
    /// The length of one measurement.
    pub window: Duration,
    /// Only cases whose name holds this are measured.
    pub only: Option<String>,
}

impl Plan {
    /// Reads the command line; what is missing is five rounds of one second, every case. When the bench is only
    /// [checked](checking), one short round.
    ///
    /// # Errors
    /// A number that is none.
    pub fn read() -> Outcome<Self> {
        if checking() {
            return Ok(Self { rounds: 1, window: Duration::from_millis(20), only: None });
        }
        // Cargo adds options of its own.
        let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with("--"));
        let rounds = args.next().map_or(Ok(5), |arg| arg.parse::<usize>())?.max(1);
        let seconds = args.next().map_or(Ok(1.0), |arg| arg.parse::<f64>())?;
        Ok(Self { rounds, window: Duration::try_from_secs_f64(seconds)?, only: args.next() })
    }

    /// Measures the floor and ours in turns and prints the case's line. The ratio is the median of the rounds' own
    /// ratios, of which each compares neighbours in time.
    ///
    /// # Errors
    /// Those of the measurements.
    pub fn compare(
        &self,
        case: Case<'_>,
        mut floor: impl FnMut(Duration) -> Outcome<f64>,
        mut ours: impl FnMut(Duration) -> Outcome<f64>,
    ) -> Outcome<()> {
        if self.only.as_deref().is_some_and(|only| !case.name.contains(only)) {
            return Ok(());
        }
        let (mut floors, mut ourses, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            let (floor, ours) = (floor(self.window)?, ours(self.window)?);
            floors.push(floor);
            ourses.push(ours);
            ratios.push(ours / floor.max(f64::MIN_POSITIVE));
        }
        if checking() {
            println!("{} works", case.name);
            return Ok(());
        }
        let ratio = median(&mut ratios);
        let (budget, verdict) = match case.budget {
            Some(budget) => (format!("{budget:.2}"), if ratio >= budget { "ok" } else { "MISS" }),
            None => ("-".to_owned(), "-"),
        };
        let (floor, ours) = (median(&mut floors), median(&mut ourses));
        println!(
            "{:<44} ours {ours:>9.0} {unit:<6} floor {floor:>9.0} {unit:<6} ratio {ratio:>5.2}  budget {budget:>5}  {verdict}",
            case.name,
            unit = case.unit,
        );
        Ok(())
    }
}

/// Whether the bench is run to see that it works, not to measure: `cargo bench … -- --test`, as criterion has it.
#[must_use]
pub fn checking() -> bool {
    std::env::args().any(|arg| arg == "--test")
}

/// Whether a case of this size is run: all are, but a [check](checking) leaves the large ones out.
#[must_use]
pub fn wanted(size: usize) -> bool {
    size <= 1_000 || !checking()
}

/// Prints the line of a figure that has an upper bound instead of a floor.
pub fn bounded(name: &str, figure: f64, unit: &str, bound: f64) {
    if checking() {
        return;
    }
    let verdict = if figure <= bound { "ok" } else { "MISS" };
    println!("{name:<44} ours {figure:>9.1} {unit:<6} bound {bound:>9.1} {unit:<6} {verdict}");
}

/// The middle value, of an even number the mean of the two in the middle; NaN of nothing.
#[must_use]
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let (below, above) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    f64::midpoint(at(below), at(above))
}

/// A stopwatch.
#[derive(Debug, Clone, Copy)]
pub struct Watch(std::time::Instant);

impl Watch {
    /// Starts it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// The time since its start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}
