//! `GET /ismart/bookings/{id}`: a booking as a calendar file (iCalendar, RFC 5545). The id is unguessable and given
//! only to the visitor who booked.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use ismart_domain::BookingId;
use ismart_store::bookings;
use jiff::Timestamp;

use crate::origin::Asked;
use crate::platform::Platform;
use crate::problem::Problem;

/// Downloads the calendar file.
pub(crate) async fn download(
    State(platform): State<Arc<Platform>>,
    asked: Asked,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("There is no such booking.");
    let id: BookingId = name.trim_end_matches(".ics").parse().map_err(|_not_an_id| missing())?;
    let mut conn = platform.store.read().await?;
    let booking = bookings::get(&mut conn, asked.place.client_id, id).await?;
    let booking = booking.filter(|b| b.site_id == asked.place.site_id).ok_or_else(missing)?;
    let stamp = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let lines = [
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//iSmart//Bookings//RU".to_owned(),
        "METHOD:PUBLISH".to_owned(),
        "BEGIN:VEVENT".to_owned(),
        format!("UID:{}@ismart", booking.id),
        format!("DTSTAMP:{}", stamp(platform.env.now())),
        format!("DTSTART:{}", stamp(booking.starts_at)),
        format!("DTEND:{}", stamp(booking.ends_at)),
        fold(&format!("SUMMARY:{}", escape(&format!("Тест-драйв, {}", asked.place.name)))),
        fold(&format!("DESCRIPTION:{}", escape(&asked.place.phone))),
        "END:VEVENT".to_owned(),
        "END:VCALENDAR".to_owned(),
    ];
    let body = lines.join("\r\n") + "\r\n";
    let headers = [
        (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"test-drive.ics\""),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    Ok((headers, body).into_response())
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

/// Lines hold at most 75 bytes; a longer one goes on after a line break and a space.
fn fold(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 8);
    let mut width = 0;
    for c in line.chars() {
        if width + c.len_utf8() > 73 {
            out.push_str("\r\n ");
            width = 1;
        }
        out.push(c);
        width += c.len_utf8();
    }
    out
}
