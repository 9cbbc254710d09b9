use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

/// What Prometheus's own clients tell of their process, under the names that all of them use.
#[derive(Debug)]
pub(super) struct Process;

#[cfg(not(target_os = "linux"))]
impl Collector for Process {
    fn encode(&self, _: DescriptorEncoder<'_>) -> fmt::Result {
        Ok(())
    }
}

#[cfg(target_os = "linux")]
impl Collector for Process {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        use super::families::Families;

        let mut families = Families(encoder);
        // Where /proc is hidden, there is nothing to tell.
        let Ok(usage) = usage::of_this_process() else {
            return Ok(());
        };
        let help = "Processor time of the process, of its threads and in the system for them.";
        families.counter_of_seconds("process_cpu", help, usage.cpu_seconds)?;
        let help = "When the process began, in seconds since 1970.";
        families.gauge_of_seconds("process_start_time", help, usage.start_time)?;
        for (name, help, value) in [
            (
                "process_open_fds",
                "File descriptors that are open.",
                usage.open_fds,
            ),
            (
                "process_max_fds",
                "File descriptors that may be open.",
                usage.max_fds,
            ),
            (
                "process_resident_memory_bytes",
                "Memory that is in use.",
                usage.resident_bytes,
            ),
            (
                "process_virtual_memory_bytes",
                "Memory that is reserved.",
                usage.virtual_bytes,
            ),
        ] {
            families.gauge(name, help, value as i64)?;
        }
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod usage {
    use procfs::process::{LimitValue, Process};
    use procfs::{ProcResult, boot_time_secs, page_size, ticks_per_second};

    pub(super) struct Usage {
        pub(super) cpu_seconds: f64,
        /// In seconds since 1970.
        pub(super) start_time: f64,
        pub(super) open_fds: u64,
        pub(super) max_fds: u64,
        pub(super) resident_bytes: u64,
        pub(super) virtual_bytes: u64,
    }

    pub(super) fn of_this_process() -> ProcResult<Usage> {
        let process = Process::myself()?;
        let stat = process.stat()?;
        let seconds = |ticks: u64| ticks as f64 / ticks_per_second() as f64;
        let max_fds = match process.limits()?.max_open_files.soft_limit {
            LimitValue::Value(limit) => limit,
            LimitValue::Unlimited => i64::MAX as u64,
        };
        Ok(Usage {
            cpu_seconds: seconds(stat.utime + stat.stime),
            start_time: boot_time_secs()? as f64 + seconds(stat.starttime),
            open_fds: process.fd_count()? as u64,
            max_fds,
            resident_bytes: stat.rss * page_size(),
            virtual_bytes: stat.vsize,
        })
    }
}
