//! Error pages for sites that bring none of their own.

/// What an error page says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    pub(crate) title: &'static str,
    pub(crate) message: &'static str,
    home: &'static str,
}

/// The words for a status in a language; English where the language is unknown.
pub(crate) fn words(status: u16, language: &str) -> Words {
    match (status, language) {
        (404, "ru") => Words {
            title: "Страница не найдена",
            message: "Возможно, она переехала или в адресе опечатка.",
            home: "Вернуться на главную",
        },
        (404, _) => Words {
            title: "Page not found",
            message: "It may have moved, or the address has a typing error.",
            home: "Go to the home page",
        },
        (_, "ru") => Words {
            title: "Страница временно недоступна",
            message: "Мы уже знаем об ошибке. Попробуйте открыть страницу позже.",
            home: "Вернуться на главную",
        },
        _ => Words {
            title: "The page is out of order",
            message: "We know about the fault. Please try again later.",
            home: "Go to the home page",
        },
    }
}

/// A page without any template.
pub(crate) fn plain(language: &str, words: Words, base_url: &str) -> String {
    include_str!("error_page.html")
        .replace("%language%", &escape(language))
        .replace("%title%", words.title)
        .replace("%message%", words.message)
        .replace("%home%", words.home)
        .replace("%base_url%", &escape(base_url))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
