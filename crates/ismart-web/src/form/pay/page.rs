//! Pages with a form that pays: the form gets its token, and the policy lets it lead to the bank.

use ismart_sites::Page;

use crate::platform::Shop;

/// The address that forms pay at.
const ACTION: &str = "action=\"/api/pay\"";

/// Makes a page's forms able to pay. Pages without such a form stay as they are.
pub(crate) fn dress(page: &mut Page, shop: &Shop, token: &str) {
    if !page.html.contains(ACTION) {
        return;
    }
    page.html = with_token(&page.html, token);
    let bank = shop.till.gateway().form_action();
    for (_, policy) in page.headers.iter_mut().filter(|(name, _)| *name == "content-security-policy") {
        *policy = allowing(policy, &bank);
    }
}

/// The page with a token in every form that pays and has none.
fn with_token(html: &str, token: &str) -> String {
    let mut out = String::with_capacity(html.len() + 200);
    let mut rest = html;
    while let Some((before, after)) = rest.split_once(ACTION) {
        out.push_str(before);
        out.push_str(ACTION);
        let form = after.split_once("</form>").map_or(after, |(form, _)| form);
        let named = form.contains("name=\"form_token\"");
        // A field that is there and empty is filled: a browser without scripts has nobody else to do it.
        let empty = "name=\"form_token\" value=\"\"";
        let (tag, tail) = after.split_once('>').map_or((after, ""), |(tag, tail)| (tag, tail));
        out.push_str(tag);
        if !tail.is_empty() || after.ends_with('>') {
            out.push('>');
        }
        if !named {
            out.push_str(&format!("<input type=\"hidden\" name=\"form_token\" value=\"{token}\">"));
            rest = tail;
        } else if form.contains(empty) {
            match tail.split_once(empty) {
                Some((inner, tail)) => {
                    out.push_str(inner);
                    out.push_str(&format!("name=\"form_token\" value=\"{token}\""));
                    rest = tail;
                }
                None => rest = tail,
            }
        } else {
            rest = tail;
        }
    }
    out.push_str(rest);
    out
}

/// The policy with the bank among the places that forms may lead to.
fn allowing(policy: &str, bank: &str) -> String {
    let parts = policy.split(';').map(|part| {
        let part = part.trim();
        let names = part == "form-action" || part.starts_with("form-action ");
        let known = part.split(' ').any(|source| source == bank || source == "https:");
        match () {
            () if !names || known || bank.is_empty() => part.to_owned(),
            // `'none'` cannot stand beside another source.
            () if part.contains("'none'") => format!("form-action {bank}"),
            () => format!("{part} {bank}"),
        }
    });
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_pays_has_a_token() {
        let page = "<form action=\"/api/send\"></form><form method=\"post\" action=\"/api/pay\" id=\"f\"><p>x</p></form>";
        assert_eq!(
            with_token(page, "1.a"),
            "<form action=\"/api/send\"></form><form method=\"post\" action=\"/api/pay\" id=\"f\">\
             <input type=\"hidden\" name=\"form_token\" value=\"1.a\"><p>x</p></form>"
        );
        let own = "<form action=\"/api/pay\"><input name=\"form_token\" value=\"t\"></form>";
        assert_eq!(with_token(own, "1.a"), own);
        let empty = "<form action=\"/api/pay\"><i></i><input name=\"form_token\" value=\"\"></form>";
        assert_eq!(with_token(empty, "1.a"), empty.replace("value=\"\"", "value=\"1.a\""));
        let two = "<form action=\"/api/pay\"></form><form action=\"/api/pay\"></form>";
        assert_eq!(with_token(two, "1.a").matches("1.a").count(), 2);
        for odd in ["", "<p>", "action=\"/api/pay\"", "<form action=\"/api/pay\""] {
            assert!(with_token(odd, "1.a").starts_with(odd), "{odd}");
        }
    }

    #[test]
    fn the_policy_lets_forms_lead_to_the_bank_and_nowhere_else() {
        let bank = "https://*.alfabank.ru";
        assert_eq!(
            allowing("default-src 'self'; form-action 'self'; base-uri 'self'", bank),
            "default-src 'self'; form-action 'self' https://*.alfabank.ru; base-uri 'self'"
        );
        assert_eq!(allowing("form-action 'none'", bank), "form-action https://*.alfabank.ru");
        assert_eq!(allowing("form-action 'self' https:", bank), "form-action 'self' https:");
        assert_eq!(allowing("default-src 'self'", bank), "default-src 'self'");
        let twice = allowing(&allowing("form-action 'self'", bank), bank);
        assert_eq!(twice, "form-action 'self' https://*.alfabank.ru");
    }
}
