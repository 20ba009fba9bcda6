//! Tokens: code exchange, single-use refresh, and who a token belongs to.

use super::call::{ApiError, Body, Outcome, Reply};
use super::core::{Issued, State};
use super::store::{Change, Grant};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

/// An authorisation code lives so long.
pub(super) const CODE_SECONDS: i64 = 20 * 60;
const ACCESS_SECONDS: i64 = 24 * 3600;
const REFRESH_SECONDS: i64 = 92 * 24 * 3600;

const INVALID: &str = "В запросе отсутствует ряд параметров или параметры невалидны";

/// An application that the account has let in.
#[derive(Clone)]
pub(super) struct Integration {
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) redirect_uri: String,
}

/// `POST /oauth2/access_token`.
pub(super) fn exchange(state: &mut State, sent: &Map<String, Value>, now: i64) -> Outcome {
    let text = |key: &str| sent.get(key).and_then(Value::as_str).unwrap_or_default();
    let integration = state.integrations.iter().find(|known| known.client_id == text("client_id")).cloned();
    let known = integration.filter(|known| known.client_secret == text("client_secret"));
    let Some(integration) = known else {
        return Err(ApiError::oauth(401, "Client authentication failed", INVALID));
    };
    if integration.redirect_uri != text("redirect_uri") {
        return Err(ApiError::oauth(400, "The redirect URI does not match the registered one", INVALID));
    }
    match text("grant_type") {
        "authorization_code" => by_code(state, &integration, text("code"), now),
        "refresh_token" => by_refresh(state, &integration, text("refresh_token"), now),
        _ => Err(ApiError::oauth(400, "Check the `grant_type` parameter", INVALID)),
    }
}

fn by_code(state: &mut State, integration: &Integration, code: &str, now: i64) -> Outcome {
    let issued =
        state.codes.iter().find(|issued| issued.code == code && issued.client_id == integration.client_id);
    let Some(issued) = issued.cloned() else {
        return Err(ApiError::oauth(400, "Cannot decrypt the authorization code", INVALID));
    };
    if state.store.spent_codes.contains(code) {
        return Err(ApiError::oauth(400, "Authorization code has been revoked", INVALID));
    }
    if now >= issued.until {
        return Err(ApiError::oauth(400, "Authorization code has expired", INVALID));
    }
    issue(state, integration, issued.user_id, vec![Change::CodeSpent { code: code.to_owned() }], now)
}

/// The old pair dies when the new one is issued.
fn by_refresh(state: &mut State, integration: &Integration, refresh: &str, now: i64) -> Outcome {
    let revoked = || ApiError::oauth(401, "Token has been revoked", "Токен отозван");
    let known = state.store.grants.iter().find(|grant| grant.refresh == refresh).cloned();
    let Some(mut grant) = known.filter(|grant| grant.client_id == integration.client_id) else {
        return Err(ApiError::oauth(401, "Cannot decrypt the refresh token", INVALID));
    };
    if grant.spent {
        return Err(revoked());
    }
    if now >= grant.refresh_until {
        return Err(ApiError::oauth(401, "Token has expired", INVALID));
    }
    grant.spent = true;
    let user_id = grant.user_id;
    issue(state, integration, user_id, vec![Change::Grant(grant)], now)
}

fn issue(
    state: &mut State,
    integration: &Integration,
    user_id: u64,
    mut changes: Vec<Change>,
    now: i64,
) -> Outcome {
    let access = jwt(state, &integration.client_id, user_id, now, now.saturating_add(ACCESS_SECONDS));
    let refresh = format!("def50200{}", noise(state, 8));
    changes.push(Change::Grant(Grant {
        client_id: integration.client_id.clone(),
        user_id,
        access: access.clone(),
        access_until: now.saturating_add(ACCESS_SECONDS),
        refresh: refresh.clone(),
        refresh_until: now.saturating_add(REFRESH_SECONDS),
        spent: false,
    }));
    state
        .store
        .commit(changes)
        .map_err(|error| ApiError::problem(500, "storage", &format!("The account cannot store: {error}")))?;
    Ok(Reply {
        status: 200,
        body: Body::Json(json!({
            "token_type": "Bearer", "expires_in": ACCESS_SECONDS, "server_time": now, "access_token": access,
            "refresh_token": refresh,
        })),
    })
}

fn noise(state: &mut State, words: usize) -> String {
    (0..words).map(|_| format!("{:016x}", state.rng.next_u64())).collect()
}

/// A token in the form that clients take apart: they read `exp`, `account_id`, `api_domain`.
pub(super) fn jwt(state: &mut State, client_id: &str, user_id: u64, now: i64, until: i64) -> String {
    let header = json!({"typ": "JWT", "alg": "RS256"});
    let payload = json!({
        "aud": client_id, "jti": noise(state, 4), "iat": now, "nbf": now, "exp": until,
        "sub": user_id.to_string(), "grant_type": "", "account_id": state.setup.account_id,
        "base_domain": "amocrm.ru", "version": 2, "scopes": ["crm", "notifications"],
        "user_flags": 0, "api_domain": "api-b.amocrm.ru",
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = noise(state, 16);
    format!("{}.{}.{}", part(&header), part(&payload), URL_SAFE_NO_PAD.encode(signature))
}

/// Whose rights a token gives.
pub(super) fn user_of(state: &State, token: &str, now: i64) -> Result<u64, ApiError> {
    let refused = |detail: &str| Err(ApiError::problem(401, "unauthorized", detail));
    if let Some(Issued { user_id, until, .. }) = state.long_lived.iter().find(|issued| issued.code == token) {
        return match (state.revoked, now >= *until) {
            (true, _) => refused("Token has been revoked"),
            (_, true) => refused("Token has expired"),
            _ => Ok(*user_id),
        };
    }
    match state.store.grants.iter().rev().find(|grant| grant.access == token) {
        Some(grant) if now >= grant.access_until => refused("Token has expired"),
        Some(grant) => Ok(grant.user_id),
        None => refused("Неверный логин или пароль"),
    }
}

/// `GET /oauth2/account/current/subdomain`: where a renamed account lives now.
pub(super) fn subdomain(state: &State, refresh: &str) -> Outcome {
    let known = state.store.grants.iter().any(|grant| grant.refresh == refresh && !grant.spent);
    if !known {
        return Err(ApiError::oauth(401, "Token has been revoked", "Токен отозван"));
    }
    let sub = &state.setup.subdomain;
    Ok(Reply::ok(
        json!({"id": state.setup.account_id, "subdomain": sub, "domain": format!("{sub}.amocrm.ru"),
                        "top_level_domain": "ru"}),
    ))
}
