//! How often live views read.

use entity::ids::{OrganizationId, UserId};
use futures_util::future::join_all;

use super::*;
use crate::store::database::query_counter::counted;
use crate::store::maintenance::system::NewOrganization;
use crate::store::tests::database::{Kind, TestDatabase};

/// Views of an organization by ten users, two each.
fn views(data: &OrgStore, (shares, feeds, clock): (&Shares, &web::Data<Feeds>, &Clock)) -> Vec<LiveStream> {
    let users = (0..20).map(|number| UserId(Uuid::from_u128(number % 10)));
    let view = |user| LiveStream {
        data: data.clone(),
        feeds: feeds.clone(),
        _place: shares.of(data.organization_id()).tail(user).expect("a slot"),
        filter: EventFilter::default(),
        clock: clock.clone(),
        since: None,
        sent: HashSet::new(),
        ticks: interval(Duration::from_millis(1)),
        end: clock.now() + LIFE,
        stage: Stage::Starting,
    };
    users.map(view).collect()
}

/// Each view sends its next chunk.
async fn poll(views: &mut [LiveStream]) {
    for piece in join_all(views.iter_mut().map(LiveStream::next)).await {
        assert!(piece.expect("a read").is_some());
    }
}

#[tokio::test]
async fn one_reader_of_an_organization_feeds_all_its_views() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let database = TestDatabase::new(kind).await;
        let store = database.open().await;
        let mut organizations: Vec<OrganizationId> = Vec::new();
        for name in ["acme", "other"] {
            let new =
                NewOrganization { email: format!("owner@{name}.example"), ..NewOrganization::default() };
            let made = store.system().organization_create(new).await.expect("an organization");
            organizations.push(made.organization_id);
        }
        let (shares, feeds) = (Shares::ample(), web::Data::new(Feeds::default()));
        let (mut open, mut of_one_read) = (Vec::new(), 0);
        for id in organizations {
            let data = store.system().organization(id, "test");
            let alone = Feeds::default();
            let (read, queries) = counted(Box::pin(alone.recent(&data, &database.clock))).await;
            assert!(read.is_ok() && queries > 0);
            of_one_read += queries;
            open.extend(views(&data, (&shares, &feeds, &database.clock)));
        }
        let ((), reads) = counted(async {
            // The first chunk has no rows.
            poll(&mut open).await;
            for _second in 0..3 {
                for _poll in 0..3 {
                    poll(&mut open).await;
                }
                database.hand.advance(EVERY);
            }
        })
        .await;
        assert_eq!(reads, 3 * of_one_read, "in three seconds: {kind:?}");
    }
}
