/** True where the rehearsal meeting is built in (a plain browser, tests); false in the product. */
declare const __REHEARSAL__: boolean;
