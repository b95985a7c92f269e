//! Time zones by their IANA names, from the copy of the database that is compiled in: what a rule means does not
//! depend on the machine that judges it.

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The zone of a name, upper and lower case alike; `None` when it is not known.
#[must_use]
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZoneDatabase;

    use super::zone;
    use crate::base::Time;

    fn hour(zone_name: &str, at: &str) -> i8 {
        let at = Time::parse(at).unwrap().to_timestamp();
        at.to_zoned(zone(zone_name).unwrap()).hour()
    }

    #[test]
    fn zones_are_known_by_their_names() {
        assert_eq!(hour("UTC", "2026-07-01T12:00:00Z"), 12);
        assert_eq!(hour("Europe/London", "2026-07-01T12:00:00Z"), 13);
        assert_eq!(hour("Europe/London", "2026-01-01T12:00:00Z"), 12);
        assert_eq!(hour("america/new_york", "2026-07-01T12:00:00Z"), 8);
        for name in ["", "Europe/Atlantis", "../../etc/localtime", "/etc/localtime"] {
            assert!(zone(name).is_none(), "{name}");
        }
    }

    #[test]
    fn the_machines_own_database_is_out_of_reach() {
        // The library looks for it first wherever it is able to read it at all.
        let found = format!("{:?}", TimeZoneDatabase::from_env());
        assert!(found.contains("Bundled"), "{found}");
        assert!(TimeZoneDatabase::from_dir("/usr/share/zoneinfo").is_err());
    }
}
