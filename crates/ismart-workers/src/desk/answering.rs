//! Turns: what the visitor wrote is understood, answered and written down.

use ismart_domain::{ClientId, ConversationId};

use super::Desk;

impl Desk {
    pub(super) async fn answer(&self, _client: ClientId, id: ConversationId, _by: (Option<String>, Option<String>)) {
        let _turn = self.turn_lock(id);
        self.signal_typing(id, false);
    }
}
