-- One schema for all contexts: foreign keys hold them together.
create table if not exists customers (
	id      text primary key,
	name    text not null,
	email   text not null unique,
	card    text not null,
	address text not null,
	points  integer not null default 0,
	blocked integer not null default 0
);
create table if not exists products (
	sku      text primary key,
	name     text not null,
	slug     text not null unique,
	price    integer not null,
	weight   integer not null,
	supplier text not null
);
create table if not exists stock (
	sku        text primary key references products (sku),
	on_hand    integer not null check (on_hand >= 0),
	held       integer not null default 0,
	reorder_at integer not null default 0
);
create table if not exists orders (
	id          text primary key,
	customer_id text not null references customers (id),
	state       text not null,
	total       integer not null,
	at          text not null
);
create table if not exists order_lines (
	order_id text not null references orders (id),
	sku      text not null references products (sku),
	quantity integer not null,
	price    integer not null,
	primary key (order_id, sku)
);
create table if not exists payments (
	id        text primary key,
	order_id  text not null references orders (id),
	amount    integer not null,
	reference text not null,
	refunded  integer not null default 0
);
create table if not exists invoices (
	number     integer primary key autoincrement,
	payment_id text not null references payments (id),
	order_id   text not null references orders (id),
	amount     integer not null,
	tax        integer not null
);
create table if not exists shipments (
	id       text primary key,
	order_id text not null references orders (id),
	tracking text not null,
	weight   integer not null,
	address  text not null
);
create table if not exists reviews (
	sku      text not null references products (sku),
	customer text not null,
	stars    integer not null,
	text     text not null
);
