"""What the codes of problems and repairs mean, in English and German. The code itself is what scripts see."""

from __future__ import annotations

from collections.abc import Mapping

Both = tuple[str, str]

PROBLEMS: Mapping[str, Both] = {
    "already_exists": ("The API says it exists already", "Laut API schon vorhanden"),
    "answer_lost": ("Sent, but no answer came back", "Gesendet, aber keine Antwort erhalten"),
    "answer_missing": ("The answer does not name the serial", "Die Antwort nennt die Seriennummer nicht"),
    "api_refused": ("Refused by the API", "Von der API abgelehnt"),
    "batch_character": ("Batch with a character that is not allowed", "Charge mit unzulässigem Zeichen"),
    "batch_lookalike": ("Batch with a look-alike character", "Charge mit einem ähnlich aussehenden Zeichen"),
    "batch_date_cell": ("The spreadsheet made a date of the batch", "Charge in ein Datum verwandelt"),
    "batch_digits_lost": ("The spreadsheet has lost digits of the batch", "Charge: Ziffern verloren"),
    "batch_numeric_cell": ("Batch in a numeric cell", "Charge in einer Zahlenzelle"),
    "batch_too_long": ("Batch too long", "Charge zu lang"),
    "batch_missing": ("Batch missing", "Charge fehlt"),
    "batch_two_expiries": ("One batch with two expiry dates", "Eine Charge mit zwei Verfalldaten"),
    "boolean_cell": ("A truth value instead of text", "Ein Wahrheitswert statt Text"),
    "conflict_in_source": ("Same serial with another batch in this list", "Gleiche Seriennummer mit anderer Charge"),
    "conflict_with_run": ("Contradicts an earlier run", "Widerspricht einem früheren Lauf"),
    "error_cell": ("The cell shows an error", "Die Zelle zeigt einen Fehler"),
    "exists_in_doubt": ("Exists, perhaps from a lost answer", "Vorhanden, vielleicht aus verlorener Antwort"),
    "expiry_ambiguous": ("Date that can be read in two ways", "Datum auf zwei Arten lesbar"),
    "expiry_date_cell": ("The spreadsheet made a time of the expiry", "Verfalldatum in eine Uhrzeit verwandelt"),
    "expiry_day_number": ("A day number instead of a date", "Eine Tageszahl statt eines Datums"),
    "expiry_format": ("Expiry not understood", "Verfalldatum nicht lesbar"),
    "expiry_impossible": ("No such date", "Dieses Datum gibt es nicht"),
    "expiry_missing": ("Expiry missing", "Verfalldatum fehlt"),
    "expiry_past": ("Expiry has passed", "Verfalldatum überschritten"),
    "expiry_year": ("Year out of range", "Jahr außerhalb des Bereichs"),
    "expiry_yyyymm": ("YYYYMM instead of YYMMDD", "JJJJMM statt JJMMTT"),
    "expiry_zero_lost": ("Expiry has lost its first zero", "Verfalldatum ohne führende Null"),
    "first_row_not_assigned": ("Repeats a row that is not assigned", "Wiederholt eine nicht vergebene Zeile"),
    "formula_without_value": ("A formula without a value", "Eine Formel ohne Wert"),
    "gtin_check_digit": ("Wrong check digit in the GTIN", "Falsche Prüfziffer in der GTIN"),
    "gtin_character": ("GTIN with a character that is no digit", "GTIN mit einem Zeichen, das keine Ziffer ist"),
    "gtin_date_cell": ("The spreadsheet made a date of the GTIN", "GTIN in ein Datum verwandelt"),
    "gtin_digits_lost": ("The spreadsheet has lost digits of the GTIN", "GTIN: Ziffern in der Tabelle verloren"),
    "gtin_exponent": ("GTIN written with an exponent", "GTIN in Exponentialschreibweise"),
    "gtin_length": ("GTIN of the wrong length", "GTIN mit falscher Länge"),
    "gtin_missing": ("GTIN missing", "GTIN fehlt"),
    "gtin_lookalike": ("GTIN with a look-alike character", "GTIN mit ähnlich aussehendem Zeichen"),
    "gtin_not_digits": ("GTIN that is not digits alone", "GTIN nicht nur aus Ziffern"),
    "gtin_zeros": ("GTIN of zeros", "GTIN aus lauter Nullen"),
    "held": ("Held back after a lost answer", "Nach verlorener Antwort zurückgehalten"),
    "left_out": ("Left out by a person", "Von Hand ausgelassen"),
    "merged_cell": ("Merged cells", "Verbundene Zellen"),
    "not_sent": ("Not sent yet", "Noch nicht gesendet"),
    "not_taken": ("Tried, but not taken by the API", "Versucht, von der API nicht angenommen"),
    "product_not_registered": ("Product not registered", "Produkt nicht registriert"),
    "request_too_large": ("Too large for the API", "Zu groß für die API"),
    "row_width": ("Wrong number of fields in the row", "Falsche Anzahl Felder in der Zeile"),
    "scan_ambiguous": ("A scan that can be read in two ways", "Scan auf zwei Arten lesbar"),
    "scan_incomplete": ("A scan that does not say which pack it is", "Scan, der keine Packung nennt"),
    "scan_mismatch": ("The scan contradicts its row", "Der Scan widerspricht der Zeile"),
    "scan_unreadable": ("A scan that can't be read", "Nicht lesbarer Scan"),
    "serial_character": ("Serial with a character that is not allowed", "Seriennummer mit unzulässigem Zeichen"),
    "serial_lookalike": ("Serial with a look-alike character", "Seriennummer mit ähnlich aussehendem Zeichen"),
    "serial_date_cell": ("The spreadsheet made a date of the serial", "Seriennummer in ein Datum verwandelt"),
    "serial_digits_lost": ("The spreadsheet has lost digits of the serial", "Seriennummer: Ziffern verloren"),
    "serial_too_long": ("Serial too long", "Seriennummer zu lang"),
    "serial_missing": ("Serial missing", "Seriennummer fehlt"),
    "serial_numeric_cell": ("Serial in a numeric cell", "Seriennummer in einer Zahlenzelle"),
    "status_not_assigned": ("The API gave it another status", "Von der API mit anderem Status beantwortet"),
    "total_row": ("A total, not a pack", "Eine Summenzeile, keine Packung"),
    "undecodable": ("Characters that can't be read", "Nicht lesbare Zeichen"),
}

TIPS: Mapping[str, Both] = {
    "conflict_in_source": (
        "Nothing tells which row is right: correct one of them, or leave it out.",
        "Welche Zeile stimmt, lässt sich nicht erkennen: eine davon berichtigen oder auslassen.",
    ),
    "conflict_with_run": (
        "An earlier run holds this serial with another batch or expiry: correct the row, or leave it out.",
        "Ein früherer Lauf hat diese Seriennummer mit anderer Charge oder anderem Verfall: berichtigen oder auslassen.",
    ),
    "product_not_registered": (
        "Register the product in the console, then retry: all serials of that GTIN wait for it.",
        "Das Produkt in der Konsole registrieren, dann wiederholen: alle Seriennummern dieser GTIN warten darauf.",
    ),
    "first_row_not_assigned": (
        "Settle the row that comes first; these rows repeat it and share its fate.",
        "Die erste dieser Zeilen klären; die anderen wiederholen sie und teilen ihr Ergebnis.",
    ),
    "left_out": ("Nothing to do.", "Nichts zu tun."),
    "total_row": ("Nothing to do, or delete the row.", "Nichts zu tun, oder die Zeile löschen."),
}

TIPS_BY_OUTCOME: Mapping[str, Both] = {
    "rejected": (
        "They have not been sent. Correct them in the file of rows that are not assigned, and import that.",
        "Nicht gesendet. In der Datei der nicht vergebenen Zeilen berichtigen und diese importieren.",
    ),
    "refused": (
        "Settle the cause that the API names, then retry: only these rows are sent again.",
        "Die von der API genannte Ursache klären, dann wiederholen: nur diese Zeilen gehen noch einmal hinaus.",
    ),
    "unknown": (
        "Look them up in the console (pack history), or retry: that sends them again.",
        "In der Konsole nachsehen (Packungshistorie) oder wiederholen: dann gehen sie noch einmal hinaus.",
    ),
    "unsent": ("Nothing is wrong with these rows: go on with the run.", "Diese Zeilen sind richtig: Lauf fortsetzen."),
    "duplicate": (
        "Nothing to do here: the row that comes first decides.",
        "Hier ist nichts zu tun: die erste dieser Zeilen entscheidet.",
    ),
}

NOTES_DE: Mapping[str, str] = {
    "batch_looks_damaged": "Charge sieht aus, als hätte eine Tabelle sie verändert: vergleichen",
    "batch_trimmed": "Leerzeichen um die Charge entfernt",
    "case_pair": "Seriennummern, die sich nur in Groß- und Kleinschreibung unterscheiden: es sind verschiedene",
    "expiry_last_day": "Verfalldatum ohne Tag: der letzte Tag des Monats wird gesendet",
    "expiry_month_only": "Verfalldatum ohne Tag: 00 wird gesendet, das heißt Ende des Monats",
    "expiry_past": "Verfalldatum überschritten",
    "expiry_trimmed": "Leerzeichen um das Verfalldatum entfernt",
    "expiry_zero_restored": "führende Null des Verfalldatums ergänzt; der Rest der Charge belegt sie",
    "formula_wrapper": 'Wert stand als ="…", um ihn vor der Tabelle zu schützen',
    "gtin_check_digit": "Prüfziffer der GTIN ist falsch",
    "gtin_from_number": "GTIN stand in einer Zahlenzelle; die Prüfziffer belegt sie",
    "gtin_trimmed": "Leerzeichen um die GTIN entfernt",
    "gtin_zeros_restored": "führende Nullen der GTIN ergänzt; die Prüfziffer belegt sie",
    "serial_looks_damaged": "Seriennummer sieht aus, als hätte eine Tabelle sie verändert: vergleichen",
    "serial_from_scan": "die Seriennummer stand in einem gescannten Code",
    "serial_looks_scanned": "Seriennummer sieht aus wie ein gescannter Code: vergleichen",
    "serial_trimmed": "Leerzeichen um die Seriennummer entfernt",
}
