use std::num::NonZeroUsize;

use clap::Args;
use ghes_gatekeeper::ghes::ListOptions;

/// Which part of a list to fetch.
#[derive(Args, Debug)]
pub(crate) struct ListArguments {
    /// Only those of the app with this client id.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,

    /// The maximum number of entries; by default all.
    #[arg(long, value_name = "COUNT")]
    limit: Option<NonZeroUsize>,
}

impl ListArguments {
    pub(crate) fn limit(&self) -> usize {
        self.limit.map_or(usize::MAX, NonZeroUsize::get)
    }

    /// Asks for pages no longer than what is wanted.
    pub(crate) fn options(&self) -> ListOptions {
        let per_page = u8::try_from(self.limit()).unwrap_or(u8::MAX);
        let options = ListOptions::new().with_per_page(per_page.min(MAX_PER_PAGE));
        match &self.client_id {
            Some(client_id) => options.with_client_id(client_id),
            None => options,
        }
    }
}

/// The most that GitHub gives out at once.
const MAX_PER_PAGE: u8 = 100;
