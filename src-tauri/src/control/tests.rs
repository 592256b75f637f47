//! The words of the door, and the door itself on this machine.

use super::*;

#[test]
fn every_order_and_answer_has_a_word_of_its_own_that_fits_a_line() {
    for (word, order) in ORDERS {
        assert_eq!(meant(&ORDERS, &format!("{word}\n")), Some(order));
        assert!(word.len() < usize::try_from(LINE).unwrap());
    }
    for (word, answer) in ANSWERS {
        assert_eq!(meant(&ANSWERS, word), Some(answer));
        assert_eq!(word_of(&ANSWERS, &answer), word);
    }
    for nonsense in ["", "mute", "mute toggle now", "MUTE ON", "\0"] {
        assert_eq!(meant(&ORDERS, nonsense), None, "{nonsense:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_by_who_holds_the_profile_and_by_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let profile = Profile::open(Some(folder.path()), folder.path()).unwrap();
    let ask = |order| {
        let profile = profile.clone();
        tokio::task::spawn_blocking(move || asked(&profile, order))
    };
    assert_eq!(ask(Order::Talk(true)).await.unwrap(), Answer::NotRunning);
    let server = {
        let profile = profile.clone();
        tokio::spawn(async move {
            let answer = |line: String| async move {
                match meant(&ORDERS, &line) {
                    Some(Order::Mute(MuteWish::Unmute)) => "open",
                    Some(Order::Mute(_)) => "muted",
                    Some(Order::Talk(_)) => "not allowed",
                    None => "failed",
                }
            };
            system::serve(&profile, answer).await
        })
    };
    // Until the door is open nobody answers.
    while ask(Order::Talk(true)).await.unwrap() == Answer::NotRunning {
        assert!(!server.is_finished(), "the door did not open");
    }
    assert_eq!(ask(Order::Mute(MuteWish::Unmute)).await.unwrap(), Answer::Done(Voice::Open));
    assert_eq!(ask(Order::Mute(MuteWish::Toggle)).await.unwrap(), Answer::Done(Voice::Muted));
    assert_eq!(ask(Order::Talk(false)).await.unwrap(), Answer::NotAllowed);
    // One that says nothing, and one that says too much, do not stop the next.
    let (silent, loud) = (profile.clone(), profile.clone());
    let silent = tokio::task::spawn_blocking(move || system::ask(&silent, ""));
    let loud = tokio::task::spawn_blocking(move || system::ask(&loud, &"mute on ".repeat(1000)));
    assert_eq!(ask(Order::Mute(MuteWish::Mute)).await.unwrap(), Answer::Done(Voice::Muted));
    assert!(!matches!(silent.await.unwrap().as_deref(), Ok("muted")));
    assert!(!matches!(loud.await.unwrap().as_deref(), Ok("muted")));
    server.abort();
    assert!(server.await.is_err());
    // What a crashed program leaves behind is no answer, and no obstacle.
    assert_eq!(ask(Order::Talk(true)).await.unwrap(), Answer::NotRunning);
}
