//! PDF files and Word documents, made by other programs (`files/make.py`), and broken ones.
#![cfg(all(feature = "pdf", feature = "docx"))]

use std::{
    fs,
    io::{Cursor, Write},
    path::Path,
};
use vetted_corpus::{Document, Error, OnBadRecord, ReadOptions, read};
use zip::{ZipWriter, write::SimpleFileOptions};

fn file(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files").join(name)).unwrap()
}

fn document(name: &str, content: &[u8]) -> Result<Option<Document>, Error> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), content).unwrap();
    read(&[folder.path().join(name)], &ReadOptions { max_record_bytes: 1 << 20, ..ReadOptions::default() })
        .next()
        .transpose()
}

const BELLS: &str = "Cast bells\nBells are cast from bronze, a mix of copper and tin, in a mould of loam.\n\n\
    A caf\u{e9} in the old foundry opens at nine.\n\nIts owner tunes the bells.";

/// Text with one blank wherever there is white space, except between paragraphs.
fn flowing(text: &str) -> String {
    let paragraph = |part: &str| part.split_whitespace().collect::<Vec<_>>().join(" ");
    text.split("\n\n").map(paragraph).collect::<Vec<_>>().join("\n\n")
}

#[test]
fn pdf_files_become_text() {
    let bells = document("bells.pdf", &file("bells.pdf")).unwrap().unwrap();
    assert_eq!((bells.id.as_str(), bells.title.as_str()), ("bells.pdf", "How bells are made"));
    assert_eq!(flowing(&bells.text), flowing(BELLS), "{:?}", bells.text);
    // It may not be copied, but opens without a password.
    let protected = document("no-copy.pdf", &file("no-copy.pdf")).unwrap().unwrap();
    assert_eq!((protected.title.as_str(), protected.text.as_str()), ("no-copy", bells.text.as_str()));
}

#[test]
fn word_documents_become_text() {
    let bread = document("bread.docx", &file("bread.docx")).unwrap().unwrap();
    assert_eq!((bread.id.as_str(), bread.title.as_str()), ("bread.docx", "Bread & butter"));
    let text = "# Baking\n\nFlour, water and salt make a dough <of sorts>.\n\n- Knead it.\n- Let it rise.\n\nloaf\tminutes\nrye\t55\n\n\
        Then it cools.";
    assert_eq!(bread.text, text);
}

#[test]
fn what_cannot_be_read_is_named_and_can_be_skipped() {
    let zipped = |name: &str, content: &[u8]| {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
        archive.finish().unwrap().into_inner()
    };
    let pdf = file("bells.pdf");
    let bomb = zipped("word/document.xml", &vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    let cases = [
        ("password.pdf", file("password.pdf"), "encrypted with a password"),
        ("scanned.pdf", file("scanned.pdf"), "no text, only pictures"),
        ("none.pdf", b"no PDF".to_vec(), "the PDF is broken"),
        ("empty.pdf", Vec::new(), "the PDF is broken"),
        ("cut.pdf", pdf[..pdf.len() / 2].to_vec(), "the PDF"),
        ("none.docx", b"no zip".to_vec(), "no Word document"),
        ("other.docx", zipped("xl/workbook.xml", b"<x/>"), "it holds no word/document.xml"),
        ("broken.docx", zipped("word/document.xml", b"<w:body><w:p></w:r>"), "the document is broken"),
        ("bomb.docx", bomb, "takes more than 1048576 bytes unpacked"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, content, expected) in &cases {
        let error = document(name, content).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(expected), "{error}\nshould contain: {expected}");
        fs::write(folder.path().join(name), content).unwrap();
    }
    fs::write(folder.path().join("good.pdf"), &pdf).unwrap();
    let skipping =
        ReadOptions { on_bad_record: OnBadRecord::Skip, max_record_bytes: 1 << 20, ..ReadOptions::default() };
    let mut reader = read(&[folder.path().to_path_buf()], &skipping);
    assert_eq!(reader.by_ref().map(|it| it.unwrap().id).collect::<Vec<_>>(), ["good.pdf"]);
    assert_eq!(reader.skipped().count, cases.len() as u64);
}

#[test]
fn a_pdf_with_any_byte_changed_takes_nothing_down() {
    let pdf = file("bells.pdf");
    // Every one would take minutes; a step that shares no factor with lines reaches all parts of the file.
    for at in (0..pdf.len()).step_by(7) {
        let mut changed = pdf.clone();
        changed[at] ^= 0x15;
        if let Err(error) = document("changed.pdf", &changed) {
            assert!(matches!(error, Error::Unreadable { .. }), "byte {at}: {error}");
        }
    }
}
