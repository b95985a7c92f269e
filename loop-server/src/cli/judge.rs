//! The flags of the judging model.

use std::time::Duration;

use clap::Args;
use loop_core::base::secret::Secret;

use crate::judge::{
    Settings,
    settings::{MILLIS, PER_DAY, PER_MINUTE, QUESTIONS},
};

/// Which model judges calls for rules with unclear words, and how much it may be asked.
#[derive(Debug, Clone, Args)]
pub struct JudgeArgs {
    /// The base URL of an OpenAI-compatible API whose model judges calls for block rules with words that could not be
    /// placed; it can only refuse what a human would be asked about [default: none]
    #[arg(long, env = "LOOP_JUDGE_URL", value_name = "URL", requires = "judge_model")]
    pub judge_url: Option<String>,
    /// The judging model's name [default: none]
    #[arg(long, env = "LOOP_JUDGE_MODEL", value_name = "NAME")]
    pub judge_model: Option<String>,
    /// Milliseconds that a decision waits for the judging model
    #[arg(long, env = "LOOP_JUDGE_MILLIS", value_name = "MILLIS", default_value_t = MILLIS,
          value_parser = clap::value_parser!(u64).range(100..=60_000))]
    pub judge_millis: u64,
    /// Questions that one decision asks the judging model at most
    #[arg(long, env = "LOOP_JUDGE_QUESTIONS", value_name = "COUNT", default_value_t = QUESTIONS,
          value_parser = clap::value_parser!(u8).range(1..=16))]
    pub judge_questions: u8,
    /// Questions that one tenant asks the judging model in a minute at most
    #[arg(long, env = "LOOP_JUDGE_PER_MINUTE", value_name = "COUNT", default_value_t = PER_MINUTE)]
    pub judge_per_minute: u32,
    /// Questions that one tenant asks the judging model in a day at most
    #[arg(long, env = "LOOP_JUDGE_PER_DAY", value_name = "COUNT", default_value_t = PER_DAY)]
    pub judge_per_day: u32,
}

impl JudgeArgs {
    /// The settings, when there is a model.
    #[must_use]
    pub fn settings(&self, key: Option<Secret>) -> Option<Settings> {
        let url = self.judge_url.as_deref().filter(|url| !url.is_empty())?;
        Some(Settings {
            key,
            patience: Duration::from_millis(self.judge_millis),
            questions: usize::from(self.judge_questions),
            per_minute: self.judge_per_minute,
            per_day: self.judge_per_day,
            ..Settings::new(url, self.judge_model.as_deref().unwrap_or_default())
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::args::Cli;

    #[test]
    fn a_judging_model_is_named_with_its_place_and_its_key_is_never_shown() {
        let of = |arguments: &[&str]| Cli::try_parse_from([&["loop-server"], arguments].concat());
        assert!(of(&["--judge-url", "https://x.example/v1"]).is_err());
        let none = of(&[]).expect("parses").serve.config(|_| Some("s3cret".to_owned()));
        assert!(none.judge.is_none(), "a key alone asks nobody");
        let cli = of(&["--judge-url", "https://x.example/v1", "--judge-model", "m", "--judge-millis", "250"]);
        let config = cli.expect("parses").serve.config(|name| (name == "LOOP_JUDGE_KEY").then(|| "s3cret".to_owned()));
        assert!(!format!("{config:?}").contains("s3cret"));
        let judge = config.judge.expect("a model");
        assert_eq!((judge.model.as_str(), judge.patience.as_millis(), judge.questions), ("m", 250, 4));
        assert_eq!(judge.key.map(|key| key.expose().to_owned()).as_deref(), Some("s3cret"));
    }
}
