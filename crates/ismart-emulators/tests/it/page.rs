use crate::portal::start;
use serde_json::json;

#[tokio::test]
async fn p24_people_see_the_leads_escaped_and_labelled_as_simulation() {
    let t = start().await;
    let page = async || t.http.get(t.portal.base_url()).send().await.unwrap().text().await.unwrap();
    assert!(page().await.contains("Лидов пока нет"));
    t.add_lead(json!({"title": "<b>Тест-драйв</b>", "name": "Иван", "lastName": "Петров", "sourceId": "WEB",
                      "fm": [{"typeId": "PHONE", "value": "+79990000001"}]}))
        .await;
    let html = page().await;
    assert!(html.contains("<title>Эмулятор Bitrix24 (симуляция)</title>"));
    assert!(html.contains("lang=\"ru\""));
    assert!(html.contains("&lt;b&gt;Тест-драйв&lt;/b&gt;") && !html.contains("<b>Тест"));
    for cell in ["Иван Петров", "+79990000001", "Веб-сайт", "2026-05-14T10:26:32+03:00"] {
        assert!(html.contains(&format!("<td>{cell}</td>")), "{cell}");
    }
    for n in 0..205 {
        t.add_lead(json!({"title": format!("Лид {n}")})).await;
    }
    let html = page().await;
    assert!(html.contains("Всего лидов: 206; показаны последние: 200"));
    assert!(html.contains("Лид 204") && !html.contains("<td>Лид 4</td>"));
}
