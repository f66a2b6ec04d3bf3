//! A unified diff that is right but not small: one hunk from the first difference to the last, without context.

use std::sync::Arc;

/// The diff of one file; `None` where it is not there.
pub(super) fn unified(path: &str, old: Option<&Arc<[u8]>>, new: Option<&Arc<[u8]>>) -> String {
    let name = |side: &str, file: Option<&Arc<[u8]>>| {
        file.map_or_else(|| "/dev/null".to_owned(), |_| format!("{side}/{path}"))
    };
    let (old_name, new_name) = (name("a", old), name("b", new));
    let text = |file: Option<&Arc<[u8]>>| {
        file.map_or(Some(String::new()), |bytes| {
            let text = String::from_utf8(bytes.to_vec()).ok()?;
            (!text.contains('\0')).then_some(text)
        })
    };
    let (Some(old), Some(new)) = (text(old), text(new)) else {
        return format!("Binary files {old_name} and {new_name} differ\n");
    };
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let same_head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[same_head..], &new[same_head..]);
    let same_tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - same_tail], &new[..new.len() - same_tail]);

    let mut diff = format!("--- {old_name}\n+++ {new_name}\n");
    diff.push_str(&format!("@@ -{} +{} @@\n", range(same_head, old), range(same_head, new)));
    for (sign, lines) in [('-', old), ('+', new)] {
        for line in lines {
            diff.push(sign);
            diff.push_str(line);
            if !line.ends_with('\n') {
                diff.push_str("\n\\ No newline at end of file\n");
            }
        }
    }
    diff
}

/// `start,length` as diff counts: a range without lines names the line before it.
fn range(before: usize, lines: &[&str]) -> String {
    let start = if lines.is_empty() { before } else { before + 1 };
    format!("{start},{}", lines.len())
}
