//! What must come of the calls of the OAuth applications API.
use super::{Known, Model};
use crate::emulator::model::reply::Reply;
use crate::emulator::model::step::{AppAct, AppCaller};

impl Model {
    /// Says what must come back; the token is the one that did, if a new one did.
    pub(in crate::emulator::model) fn as_app(
        &mut self,
        caller: AppCaller,
        token: &str,
        act: &AppAct,
        new_token: Option<&str>,
    ) -> Reply {
        if !caller.knows_secret {
            return Reply::Refused(401);
        }
        let own = |known: &&Known| known.app == Some(caller.app) && known.token == token;
        let Some(known) = self.living().find(own).cloned() else {
            return Reply::Refused(404);
        };
        match *act {
            AppAct::Check => Reply::Authorization(known.to_app()),
            AppAct::Reset => self.reset(known, new_token),
            AppAct::DeleteToken => {
                self.known.retain(|other| other.id != known.id);
                Reply::NoContent
            }
            AppAct::DeleteAuthorization => {
                self.remove_grant(caller.app, known.user);
                Reply::NoContent
            }
            AppAct::Scope(target) => self.scope(&known, target, new_token),
        }
    }

    fn reset(&mut self, known: Known, new_token: Option<&str>) -> Reply {
        let new = Known {
            token: self.fresh(new_token),
            updated_at: self.now,
            ..known
        };
        self.tokens.push(new.token.clone());
        *self.entry(new.id) = new.clone();
        self.touch_grant(new.app, new.user);
        Reply::Issued(new.to_app(), new.token)
    }

    /// Only tokens of GitHub Apps can be narrowed, once, and to somebody there is.
    fn scope(&mut self, known: &Known, target: &str, new_token: Option<&str>) -> Reply {
        if known.app != Some(0) || known.account.is_some() || target == "nobody" {
            return Reply::Refused(404);
        }
        let order = Known {
            expires_at: known.expires_at,
            account: Some(target.to_owned()),
            ..self.order(known.app, known.user)
        };
        let scoped = self.issue(order, new_token);
        Reply::Issued(scoped.to_app(), scoped.token)
    }
}
