use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use tempfile::TempDir;

use super::*;
use crate::auth::pem::fixtures::{PRIVATE_A, PRIVATE_B, PRIVATE_P256, PUBLIC_A};

/// Computed with Python's hashlib from the `x` that OpenSSL prints for the fixture.
const KID_A: &str = "D26nn3J8dSM7wdLb5lt99_uH3Rz44EPOL1mVaVlndcE";

fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, content) in files {
        write(&directory, name, content);
    }
    directory
}

fn write(directory: &TempDir, name: &str, content: &str) {
    let path = directory.path().join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn open(directory: &TempDir) -> Result<KeyRing, KeyError> {
    KeyRing::open(directory.path(), Create::Never)
}

fn files(ring: &KeyRing) -> Vec<(String, bool)> {
    ring.keys().into_iter().map(|key| (key.file, key.is_private)).collect()
}

#[test]
fn an_openssl_key_is_published_without_its_private_half() {
    let ring = open(&directory(&[("a.pem", PRIVATE_A)])).unwrap();

    let expected = json!({ "keys": [{
        "kty": "OKP", "crv": "Ed25519", "x": "0bob0vnnRK-2NbvpBG_nChfKUqZIeMtKunMFVCbCzmU",
        "kid": KID_A, "alg": "EdDSA", "use": "sig",
    }] });
    assert_eq!(ring.jwks(), expected);
    assert_eq!(ring.signing_kid(), KID_A);
}

#[test]
fn the_thumbprint_is_that_of_rfc_8037() {
    // RFC 8037, appendix A.2 and A.3.
    let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();

    let kid = thumbprint(&public.try_into().unwrap());

    assert_eq!(kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn the_private_key_with_the_last_name_signs_and_all_verify() {
    let ring = open(&directory(&[("2.pem", PRIVATE_A), ("1.pem", PRIVATE_B)])).unwrap();

    assert_eq!(ring.signing_kid(), KID_A);
    assert_eq!(files(&ring), [("2.pem".to_owned(), true), ("1.pem".to_owned(), true)]);
    assert!(ring.keys().iter().all(|key| ring.snapshot().verifying(&key.kid).is_some()));
}

#[test]
fn a_retired_key_is_kept_public_and_does_not_sign() {
    let ring = open(&directory(&[("1.pem", PRIVATE_B), ("2.pem", PUBLIC_A)])).unwrap();

    assert_ne!(ring.signing_kid(), KID_A);
    assert!(ring.snapshot().verifying(KID_A).is_some());
    assert_eq!(files(&ring), [("2.pem".to_owned(), false), ("1.pem".to_owned(), true)]);
}

#[test]
fn a_key_with_both_halves_in_files_is_published_once() {
    let ring = open(&directory(&[("1.pem", PRIVATE_A), ("2.pub.pem", PUBLIC_A)])).unwrap();

    assert_eq!(ring.jwks()["keys"].as_array().unwrap().len(), 1);
    assert_eq!(ring.signing_kid(), KID_A);
}

#[test]
fn an_unusable_file_is_named_with_what_is_wrong_and_what_to_do() {
    for (content, problem) in [
        ("", "no complete PEM block"),
        (PRIVATE_P256, "another kind than Ed25519"),
        (&"x".repeat(20_000), "not a file of at most 16384 bytes"),
        (&PRIVATE_A.replace("MC4C", "MC4*"), "damaged"),
    ] {
        let message = open(&directory(&[("a.pem", PRIVATE_A), ("b.pem", content)])).unwrap_err().to_string();

        assert!(message.contains("/b.pem: "), "{message}");
        assert!(message.contains(problem), "{message}");
        assert!(message.contains("; move it elsewhere"), "{message}");
        assert!(!message.contains("MC4"), "{message}");
    }
}

#[test]
fn a_directory_without_a_private_key_is_refused_with_the_command_that_makes_one() {
    let missing = TempDir::new().unwrap().path().join("none");

    let missing = KeyRing::open(&missing, Create::Never).unwrap_err().to_string();
    let empty = open(&directory(&[("README", "")])).unwrap_err().to_string();
    let public = open(&directory(&[("a.pem", PUBLIC_A)])).unwrap_err().to_string();

    assert!(missing.contains("create the directory"), "{missing}");
    assert!(empty.contains("no file whose name ends in .pem"), "{empty}");
    assert!(public.contains("public keys only"), "{public}");
    for message in [missing, empty, public] {
        assert!(message.contains("openssl genpkey -algorithm ed25519"), "{message}");
    }
}

#[test]
fn the_first_key_is_made_private_to_the_user_and_only_once() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("data/keys");

    let first = KeyRing::open(&path, Create::IfEmpty).unwrap();
    let second = KeyRing::open(&path, Create::IfEmpty).unwrap();

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = path.join(&first.keys()[0].file);
    assert_eq!(first.keys(), second.keys());
    assert_eq!((mode(&path), mode(&file)), (0o700, 0o600));
    assert_eq!(first.warnings(), Vec::<String>::new());
    let name = first.keys()[0].file.clone();
    assert!(chrono::NaiveDateTime::parse_from_str(&name, "%Y-%m-%dT%H%M%SZ.pem").is_ok(), "{name}");
}

#[test]
fn keys_that_are_there_are_never_added_to() {
    let public_only = directory(&[("a.pem", PUBLIC_A)]);
    let broken = directory(&[("a.pem", "")]);

    assert!(KeyRing::open(public_only.path(), Create::IfEmpty).is_err());
    assert!(KeyRing::open(broken.path(), Create::IfEmpty).is_err());
    assert_eq!(fs::read_dir(public_only.path()).unwrap().count(), 1);
}

#[test]
fn starts_at_the_same_moment_end_with_one_ring() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("keys");

    // Threads open the lock file each by themselves, and such locks exclude each other as processes' do.
    let rings: Vec<KeyRing> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..16).map(|_| scope.spawn(|| KeyRing::open(&path, Create::IfEmpty).unwrap())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });

    assert!(rings.iter().all(|ring| ring.keys() == rings[0].keys()));
    assert_eq!(rings[0].keys().len(), 1);
    let left: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "only the key and the lock should be left: {left:?}");
}

#[test]
fn a_mounted_secret_is_read_through_its_links() {
    let mount = directory(&[]);
    fs::create_dir(mount.path().join("..2026_11_23")).unwrap();
    fs::write(mount.path().join("..2026_11_23/a.pem"), PRIVATE_A).unwrap();
    symlink("..2026_11_23", mount.path().join("..data")).unwrap();
    symlink("..data/a.pem", mount.path().join("a.pem")).unwrap();
    write(&mount, ".hidden.pem", "not a key");

    let ring = open(&mount).unwrap();

    assert_eq!(files(&ring), [("a.pem".to_owned(), true)]);
}

#[test]
fn a_link_to_nothing_and_a_directory_are_faults_that_are_named() {
    let with_link = directory(&[("a.pem", PRIVATE_A)]);
    symlink("nowhere", with_link.path().join("b.pem")).unwrap();
    let with_directory = directory(&[("a.pem", PRIVATE_A)]);
    fs::create_dir(with_directory.path().join("b.pem")).unwrap();

    for directory in [with_link, with_directory] {
        assert_eq!(open(&directory).unwrap_err().path(), directory.path().join("b.pem"));
    }
}

#[test]
fn a_loose_mode_is_warned_of_and_not_refused() {
    let directory = directory(&[("a.pem", PRIVATE_A), ("b.pem", PUBLIC_A)]);
    for name in ["a.pem", "b.pem"] {
        fs::set_permissions(directory.path().join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }

    let warnings = open(&directory).unwrap().warnings();

    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("/a.pem: ") && warnings[0].contains("mode 0644"), "{warnings:?}");
}

#[test]
fn a_reload_takes_a_new_key_in_for_every_clone() {
    let directory = directory(&[("1.pem", PRIVATE_B)]);
    let ring = open(&directory).unwrap();
    let clone = ring.clone();

    assert_eq!(ring.reload(), Ok(Reload::Unchanged));
    write(&directory, "2.pem", PRIVATE_A);

    assert_eq!(ring.reload(), Ok(Reload::Changed));
    assert_eq!(clone.signing_kid(), KID_A);
    assert_eq!(clone.keys().len(), 2);
}

#[test]
fn a_reload_that_fails_keeps_the_old_ring() {
    let directory = directory(&[("1.pem", PRIVATE_A)]);
    let ring = open(&directory).unwrap();
    write(&directory, "2.pem", "half a ke");

    let fault = ring.reload().unwrap_err();

    assert_eq!(fault.path(), directory.path().join("2.pem"));
    assert_eq!(ring.signing_kid(), KID_A);
}

#[test]
fn reloads_on_demand_are_rare() {
    let ring = open(&directory(&[("1.pem", PRIVATE_A)])).unwrap();

    assert_eq!(ring.reload_if_older_than(Duration::from_secs(60)), Ok(Reload::TooSoon));
}

#[test]
fn debug_shows_no_private_key() {
    let ring = open(&directory(&[("1.pem", PRIVATE_A)])).unwrap();

    let shown = format!("{ring:?}");

    assert!(shown.contains(KID_A), "{shown}");
    assert!(!shown.to_lowercase().contains("encodingkey"), "{shown}");
}
