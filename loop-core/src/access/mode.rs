//! How freely a loop acts: the mode it asks for and the plan that bounds it.

super::word::words! {
    /// How a step is executed, from the tightest to the freest.
    Mode {
        /// Simulated: nothing outside is touched.
        Sandbox = "sandbox",
        /// A human approves whatever is not of low risk.
        Guided = "guided",
        /// Trust decides what needs a human.
        Autopilot = "autopilot",
    }
}

super::word::words! {
    /// What a loop's plan allows, the least first.
    Plan {
        /// No autopilot.
        Free = "free",
        /// Every mode.
        Pro = "pro",
        /// Every mode, for businesses.
        Business = "business",
    }
}

impl Plan {
    /// Whether loops of this plan may run on autopilot.
    #[must_use]
    pub const fn allows_autopilot(self) -> bool {
        matches!(self, Self::Pro | Self::Business)
    }
}
